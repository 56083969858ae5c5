import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeSafetensors,
  encodeSafetensors,
  type StoredTensor,
  type TensorData,
} from "../../../src/learner/checkpoint/safetensors.ts";

const arrays: fc.Arbitrary<TensorData> = fc.oneof(
  fc.float32Array(),
  fc.float64Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int8Array(),
  fc.uint8Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
);

/** A vector, a column, or an empty matrix, and scalars among the vectors of one element. */
const tensor: fc.Arbitrary<StoredTensor> = fc
  .tuple(arrays, fc.integer({ min: 0, max: 2 }))
  .map(([data, kind]) => {
    if (kind === 0 && data.length === 1) return { shape: [], data };
    return { shape: kind === 1 ? [data.length, 1] : [data.length], data };
  });

const reserved = ["__metadata__", "__proto__"];
const name = fc.string({ unit: "grapheme" }).filter((text) => !reserved.includes(text));
const tensors = fc
  .array(fc.tuple(name, tensor), { maxLength: 6 })
  .map((entries) => Object.fromEntries(entries));

/** A file with this header text, padded or not, and this data. */
function file(header: string, data: Uint8Array): Uint8Array {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

const corrupt = expect.objectContaining({ code: "CHECKPOINT_CORRUPT" });

describe("safetensors", () => {
  test("gives back every array bit for bit, NaN and -0 included", () => {
    fc.assert(
      fc.property(tensors, (stored) => {
        expect(decodeSafetensors(encodeSafetensors(stored))).toEqual(stored);
      }),
    );
  });

  test.each(reserved)("refuses the name %s, which would not come back", (name) => {
    const tensors = Object.fromEntries([[name, { shape: [1], data: Uint8Array.of(1) }]]);
    expect(() => encodeSafetensors(tensors)).toThrow(`"${name}" is no tensor name`);
  });

  test("reads a file at any offset of a larger buffer", () => {
    const stored = { a: { shape: [2], data: Float64Array.of(1, 2) } };
    const encoded = encodeSafetensors(stored);
    const within = new Uint8Array(encoded.length + 3);
    within.set(encoded, 3);
    expect(decodeSafetensors(within.subarray(3))).toEqual(stored);
  });

  test("aligns every tensor to its element size", () => {
    const encoded = encodeSafetensors({
      a: { shape: [3], data: Uint8Array.of(1, 2, 3) },
      b: { shape: [1], data: Float32Array.of(1) },
      c: { shape: [1], data: Float64Array.of(1) },
    });
    const headerBytes = Number(new DataView(encoded.buffer).getBigUint64(0, true));
    const header = JSON.parse(Buffer.from(encoded.subarray(8, 8 + headerBytes)).toString());
    expect(headerBytes % 8).toBe(0);
    expect(header.c.data_offsets).toEqual([0, 8]);
    expect(header.b.data_offsets).toEqual([8, 12]);
    expect(header.a.data_offsets).toEqual([12, 15]);
  });

  test("reads the format as its specification words it, metadata and any order included", () => {
    const header =
      '{"__metadata__":{"format":"pt"},' +
      '"later":{"dtype":"I32","shape":[],"data_offsets":[8,12]},' +
      '"first":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}   ';
    const data = Buffer.alloc(12);
    data.writeFloatLE(1.5, 0);
    data.writeFloatLE(-2, 4);
    data.writeInt32LE(-7, 8);
    expect(decodeSafetensors(file(header, data))).toEqual({
      first: { shape: [1, 2], data: Float32Array.of(1.5, -2) },
      later: { shape: [], data: Int32Array.of(-7) },
    });
  });

  test("refuses a file cut off anywhere or with bytes after its end", () => {
    const whole = encodeSafetensors({ a: { shape: [2], data: Float32Array.of(1, 2) } });
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeSafetensors(whole.subarray(0, length))).toThrow(corrupt);
    }
    expect(() => decodeSafetensors(Buffer.concat([whole, Buffer.of(0)]))).toThrow(corrupt);
  });

  test.each([
    ["text", "not json"],
    ["an array", "[]"],
    ["a tensor that is no object", '{"a":1}'],
    ["an unknown field", '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}}'],
    ["a dtype we have no array for", '{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'],
    ["a negative length", '{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}'],
    ["a fraction", '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4.5]}}'],
    ["a shape of another size", '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}'],
    ["a shape beyond counting", '{"a":{"dtype":"U8","shape":[1e300,1e300],"data_offsets":[0,4]}}'],
    ["reversed offsets", '{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}'],
    ["a hole before", '{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}'],
    ["bytes left over", '{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}'],
    ["offsets past the end", '{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}'],
    [
      "an overlap",
      '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}',
    ],
    ["metadata that is not text", '{"__metadata__":{"a":1}}'],
  ])("refuses a header with %s", (_, header) => {
    expect(() => decodeSafetensors(file(header, Buffer.alloc(4)))).toThrow(corrupt);
  });

  test("refuses random bytes instead of failing in some other way", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(() => decodeSafetensors(bytes)).toThrow(corrupt);
      }),
    );
  });

  test("will not write a tensor whose data does not fit its shape", () => {
    const tensor = { shape: [3], data: Float32Array.of(1) };
    expect(() => encodeSafetensors({ a: tensor })).toThrow(TypeError);
  });
});
