import { z } from "zod";
import { RunError } from "../../errors.ts";

/**
 * Named tensors in one file that cannot execute anything when read.
 *
 *     u64 LE  N, length of the header
 *     N bytes JSON: { name: { dtype, shape, data_offsets: [begin, end] }, "__metadata__"?: { … } }
 *     data    little-endian, row-major; offsets count from here and cover it without holes
 *
 * Source: Hugging Face, safetensors, README "Format".
 */

/** The arrays a tensor can hold; each is one safetensors dtype. */
export type TensorData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** `data` is row-major and holds as many elements as `shape` says; `[]` is a scalar. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export type StoredTensors = Readonly<Record<string, StoredTensor>>;

interface Dtype {
  readonly size: number;
  readonly read: (bytes: ArrayBuffer) => TensorData;
}

/** Host and file order agree: every platform our native dependencies exist for is little-endian. */
const dtypes: ReadonlyMap<string, Dtype> = new Map([
  ["F64", { size: 8, read: (bytes) => new Float64Array(bytes) }],
  ["I64", { size: 8, read: (bytes) => new BigInt64Array(bytes) }],
  ["U64", { size: 8, read: (bytes) => new BigUint64Array(bytes) }],
  ["F32", { size: 4, read: (bytes) => new Float32Array(bytes) }],
  ["I32", { size: 4, read: (bytes) => new Int32Array(bytes) }],
  ["U32", { size: 4, read: (bytes) => new Uint32Array(bytes) }],
  ["I16", { size: 2, read: (bytes) => new Int16Array(bytes) }],
  ["U16", { size: 2, read: (bytes) => new Uint16Array(bytes) }],
  ["I8", { size: 1, read: (bytes) => new Int8Array(bytes) }],
  ["U8", { size: 1, read: (bytes) => new Uint8Array(bytes) }],
] satisfies [string, Dtype][]);

const dtypeOfArray: Readonly<Record<string, string>> = {
  Float64Array: "F64",
  BigInt64Array: "I64",
  BigUint64Array: "U64",
  Float32Array: "F32",
  Int32Array: "I32",
  Uint32Array: "U32",
  Int16Array: "I16",
  Uint16Array: "U16",
  Int8Array: "I8",
  Uint8Array: "U8",
};

const metadataKey = "__metadata__";
/** The format has a use of its own for the first; readers of JSON drop the second. */
const reservedNames: readonly string[] = [metadataKey, "__proto__"];
const lengthBytes = 8;
/** The limit of the reference implementation. */
const maxHeaderBytes = 100_000_000;

const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const headerSchema = z.record(z.string(), z.unknown());
const metadataSchema = z.record(z.string(), z.string());

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** @throws TypeError when a tensor's data does not fit its shape: that is a caller's bug. */
export function encodeSafetensors(tensors: StoredTensors): Uint8Array<ArrayBuffer> {
  // Widest elements first, so that every tensor is aligned to its element size in the file.
  const ordered = Object.entries(tensors).sort(
    ([nameA, a], [nameB, b]) =>
      b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT ||
      (nameA < nameB ? -1 : Number(nameA > nameB)),
  );
  let dataBytes = 0;
  const described = ordered.map(([name, tensor]) => {
    const begin = dataBytes;
    dataBytes += tensor.data.byteLength;
    return [name, describe(name, tensor, [begin, dataBytes])] as const;
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(described)));
  const headerBytes = Math.ceil(json.length / lengthBytes) * lengthBytes;

  const file = new Uint8Array(lengthBytes + headerBytes + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, lengthBytes, lengthBytes + headerBytes);
  file.set(json, lengthBytes);
  let offset = lengthBytes + headerBytes;
  for (const [, { data }] of ordered) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return file;
}

function describe(name: string, tensor: StoredTensor, offsets: readonly [number, number]) {
  const { data, shape } = tensor;
  const dtype = dtypeOfArray[data.constructor.name];
  if (dtype === undefined) throw new TypeError(`tensor "${name}" holds ${data.constructor.name}`);
  if (reservedNames.includes(name)) throw new TypeError(`"${name}" is no tensor name`);
  if (elementCount(shape) !== data.length) {
    throw new TypeError(`tensor "${name}": ${data.length} elements for shape [${shape}]`);
  }
  return { dtype, shape, data_offsets: offsets };
}

/**
 * Reads what `encodeSafetensors` or any other writer of the format wrote. The tensors are copies.
 *
 * @throws RunError CHECKPOINT_CORRUPT naming the first thing that is wrong.
 */
export function decodeSafetensors(file: Uint8Array): Record<string, StoredTensor> {
  if (file.length < lengthBytes) throw corrupt(`${file.length} bytes are no safetensors file`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > Math.min(maxHeaderBytes, file.length - lengthBytes)) {
    throw corrupt(`a header of ${headerBytes} bytes in a file of ${file.length}`);
  }
  const data = file.subarray(lengthBytes + headerBytes);
  const entries = parseHeader(file.subarray(lengthBytes, lengthBytes + headerBytes));
  checkCoverage(entries, data.length);
  return Object.fromEntries(
    entries.map(({ name, dtype, shape, begin, end }) => {
      const bytes = new Uint8Array(end - begin);
      bytes.set(data.subarray(begin, end));
      return [name, { shape, data: dtype.read(bytes.buffer) }];
    }),
  );
}

function parseHeader(bytes: Uint8Array): Entry[] {
  if (bytes[0] !== 0x7b) throw corrupt("the header does not begin with {");
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw corrupt("the header is not JSON", error);
  }
  const header = headerSchema.safeParse(raw);
  if (!header.success) throw corrupt("the header is not an object");
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header.data)) {
    if (name !== metadataKey) entries.push(parseEntry(name, value));
    else if (!metadataSchema.safeParse(value).success) throw corrupt("the metadata is not text");
  }
  return entries;
}

function parseEntry(name: string, value: unknown): Entry {
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) throw corrupt(`tensor "${name}": ${z.prettifyError(parsed.error)}`);
  const { shape, dtype: dtypeName } = parsed.data;
  const [begin, end] = parsed.data.data_offsets;
  const dtype = dtypes.get(dtypeName);
  if (dtype === undefined) throw corrupt(`tensor "${name}": unsupported dtype ${dtypeName}`);
  if (end - begin !== elementCount(shape) * dtype.size) {
    throw corrupt(`tensor "${name}": ${end - begin} bytes for ${dtypeName} [${shape}]`);
  }
  return { name, dtype, shape, begin, end };
}

/** Every byte of the data belongs to exactly one tensor. */
function checkCoverage(entries: readonly Entry[], dataBytes: number): void {
  const ordered = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of ordered) {
    if (begin !== covered) throw corrupt(`tensor "${name}" begins at ${begin}, not ${covered}`);
    covered = end;
  }
  if (covered !== dataBytes) throw corrupt(`${dataBytes} bytes of data, ${covered} described`);
}

function corrupt(reason: string, cause?: unknown): RunError {
  return new RunError("CHECKPOINT_CORRUPT", `safetensors: ${reason}`, { cause });
}
