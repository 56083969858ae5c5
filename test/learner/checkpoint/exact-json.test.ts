import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeExactJson } from "../../../src/learner/checkpoint/exact-json.ts";

describe("encodeExactJson", () => {
  test("writes text that parses back to an equal value, -0 included", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        expect(JSON.parse(encodeExactJson(value))).toStrictEqual(value);
      }),
    );
    expect(Object.is(JSON.parse(encodeExactJson([-0]))[0], -0)).toBe(true);
  });

  test("agrees with JSON.stringify wherever that is exact", () => {
    const value = { a: [1, 2.5e-300, "ü\n", null, true], b: { "": {} }, c: [] };
    expect(encodeExactJson(value)).toBe(JSON.stringify(value));
  });

  test.each([
    ["NaN", { a: { b: [0, Number.NaN] } }, "value.a.b[1] is NaN"],
    ["Infinity", [Number.POSITIVE_INFINITY], "value[0] is Infinity"],
    ["undefined", { a: undefined }, "value.a is undefined"],
    ["a hole in an array", new Array(1), "value[0] is undefined"],
    ["a typed array", { a: Float32Array.of(1) }, "value.a is a Float32Array"],
    ["a map", new Map(), "value is a Map"],
    ["a bigint", [1n], "value[0] is bigint"],
    ["a date", [new Date(0)], "value[0] is a Date"],
  ])("refuses %s and says where", (_, value, message) => {
    expect(() => encodeExactJson(value)).toThrow(message);
  });
});
