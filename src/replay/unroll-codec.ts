import { Packr } from "msgpackr";
import {
  extraLength,
  newRows,
  type Observations,
  observationRows,
  type Unroll,
  type UnrollShape,
} from "../protocol.ts";
import { MalformedMsgpack, MsgpackCursor } from "./msgpack-cursor.ts";
import type { Refusal } from "./unroll-check.ts";

/** Version of the payload, its key `v`. */
const PAYLOAD_VERSION = 1;

/**
 * A column as it is sent: NumPy's name of the type, the shape, and the little-endian bytes. It describes
 * itself, so that `np.frombuffer(data, dtype).reshape(shape)` reads it.
 */
interface Column {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Why a payload is no unroll. */
export interface PayloadRefusal {
  readonly reason: Refusal | "format";
  readonly message: string;
}

export type DecodedUnroll =
  | { readonly unroll: Unroll; readonly endsTurn: boolean; readonly refusal?: never }
  | { readonly unroll?: never; readonly endsTurn?: never; readonly refusal: PayloadRefusal };

const packr = new Packr({ useRecords: false });

/**
 * An unroll as bytes: a msgpack map of columns, the format of `Frame.payload` (docs/protocol.md).
 * @param endsTurn Whether it is the last of an actor's turn, for learners that take turns.
 */
export function encodeUnroll(unroll: Unroll, shape: UnrollShape, endsTurn = false): Uint8Array {
  const { length } = unroll;
  const { observationSize, actionSize, extras = [] } = shape;
  const rows = observationRows(shape, length);
  const added = extras.map((extra): [string, Column] => {
    const values = unroll.extras?.[extra.name] ?? new Float32Array();
    return [extra.name, column("<f4", [extraLength(extra, length)], values)];
  });
  return packr.pack({
    v: PAYLOAD_VERSION,
    env: unroll.env,
    observations: column(rowType(shape), [rows, observationSize], unroll.observations),
    actions: column("<f4", [length, actionSize], unroll.actions),
    rewards: column("<f4", [length], unroll.rewards),
    terminated: column("|u1", [length], unroll.terminated),
    truncated: column("|u1", [length], unroll.truncated),
    policy_versions: column("<i4", [length], unroll.policyVersions),
    ...Object.fromEntries(added),
    ...(endsTurn ? { ends_turn: 1 } : {}),
  });
}

/** Of a row of observations: numbers, or a camera's bytes. */
function rowType({ frameStack }: UnrollShape): string {
  return frameStack === undefined ? "<f4" : "|u1";
}

function column(dtype: string, shape: readonly number[], data: ArrayBufferView): Column {
  return { dtype, shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

const COLUMNS = [
  "observations",
  "actions",
  "rewards",
  "terminated",
  "truncated",
  "policy_versions",
] as const;

/** A column as a payload has it; the last one of a name counts. */
interface FoundColumn {
  dtype: string | undefined;
  shape: readonly number[] | undefined;
  data: Uint8Array | undefined;
}

/** What a payload has of an unroll, unchecked. */
interface Found {
  version: number | undefined;
  env: number | undefined;
  endsTurn: boolean;
  readonly columns: Map<string, FoundColumn>;
}

/**
 * Reads payloads of one shape into buffers of its own. Payloads come from other machines: nothing about
 * them is taken for granted, none makes it throw, and none costs more than a look at each of its bytes.
 * Values are not looked at; `refuseUnroll` does that.
 */
export class UnrollDecoder {
  readonly #shape: UnrollShape;
  readonly #cursor = new MsgpackCursor();
  readonly #observations: Buffers<Observations>;
  readonly #actions: Buffers<Float32Array>;
  readonly #rewards: Buffers<Float32Array>;
  readonly #policyVersions: Buffers<Int32Array>;
  readonly #terminated: Buffers<Uint8Array>;
  readonly #truncated: Buffers<Uint8Array>;
  readonly #extras: ReadonlyMap<string, Buffers<Float32Array>>;
  readonly #names: ReadonlySet<string>;

  constructor(shape: UnrollShape) {
    const { actionSize, unrollLength, extras = [] } = shape;
    this.#shape = shape;
    this.#names = new Set([...COLUMNS, ...extras.map(({ name }) => name)]);
    this.#extras = new Map(
      extras.map((extra) => [
        extra.name,
        buffers(new Float32Array(extraLength(extra, unrollLength))),
      ]),
    );
    this.#observations = buffers(newRows(shape, observationRows(shape, unrollLength)));
    this.#actions = buffers(new Float32Array(unrollLength * actionSize));
    this.#rewards = buffers(new Float32Array(unrollLength));
    this.#policyVersions = buffers(new Int32Array(unrollLength));
    this.#terminated = buffers(new Uint8Array(unrollLength));
    this.#truncated = buffers(new Uint8Array(unrollLength));
  }

  /**
   * @param actor Who sent it: the session says, not the payload.
   * @returns The unroll, its arrays valid until the next call, or why there is none.
   */
  decode(payload: Uint8Array, actor: number): DecodedUnroll {
    try {
      this.#cursor.start(payload);
      const found = find(this.#cursor, this.#names);
      return { unroll: this.#check(found, actor), endsTurn: found.endsTurn };
    } catch (thrown) {
      if (thrown instanceof Refused) return { refusal: thrown.refusal };
      if (!(thrown instanceof MalformedMsgpack)) throw thrown;
      const message = `the payload is no msgpack map: ${thrown.message}`;
      return { refusal: { reason: "format", message } };
    }
  }

  #check({ version, env, columns }: Found, actor: number): Unroll {
    if (version !== PAYLOAD_VERSION) {
      throw new Refused("format", `v is ${String(version)}, not ${PAYLOAD_VERSION}`);
    }
    if (!(env !== undefined && env >= 0 && env < 2 ** 31)) {
      throw new Refused("shape", `env is ${String(env)}, no index of an environment`);
    }
    const { actionSize, unrollLength } = this.#shape;
    const length = columns.get("rewards")?.shape?.[0];
    if (length === undefined || length < 1) {
      throw new Refused("shape", "rewards has no shape [steps] with steps of 1 or more");
    }
    if (length > unrollLength) {
      throw new Refused("oversize", `${length} steps, at most ${unrollLength} fit an unroll`);
    }
    const read = <T extends Numbers>(name: string, shape: readonly number[], into: Buffers<T>): T =>
      readColumn({ name, found: columns.get(name), dtype: dtypeOf(into.values), shape }, into);
    return {
      actor,
      env,
      length,
      observations: this.#readObservations(columns.get("observations"), length),
      actions: read("actions", [length, actionSize], this.#actions),
      rewards: read("rewards", [length], this.#rewards),
      terminated: read("terminated", [length], this.#terminated),
      truncated: read("truncated", [length], this.#truncated),
      policyVersions: read("policy_versions", [length], this.#policyVersions),
      ...(this.#extras.size > 0 ? { extras: this.#readExtras(columns, length) } : {}),
    };
  }

  #readObservations(found: FoundColumn | undefined, length: number): Observations {
    const rows = observationRows(this.#shape, length);
    const shape = [rows, this.#shape.observationSize];
    const expected = { name: "observations", found, dtype: rowType(this.#shape), shape };
    return readColumn<Observations>(expected, this.#observations);
  }

  #readExtras(
    columns: ReadonlyMap<string, FoundColumn>,
    length: number,
  ): Record<string, Float32Array> {
    const extras: Record<string, Float32Array> = {};
    for (const extra of this.#shape.extras ?? []) {
      const { name } = extra;
      const into = this.#extras.get(name);
      const shape = [extraLength(extra, length)];
      const expected = { name, found: columns.get(name), dtype: "<f4", shape };
      if (into) extras[name] = readColumn(expected, into);
    }
    return extras;
  }
}

/** @throws MalformedMsgpack, Refused */
function find(cursor: MsgpackCursor, names: ReadonlySet<string>): Found {
  const found: Found = {
    version: undefined,
    env: undefined,
    endsTurn: false,
    columns: new Map(),
  };
  if (cursor.open() !== "map") throw new Refused("format", "the payload is no msgpack map");
  for (let left = cursor.size; left > 0; left--) {
    const key = readText(cursor);
    if (key === "v") found.version = readInteger(cursor);
    else if (key === "env") found.env = readInteger(cursor);
    else if (key === "ends_turn") found.endsTurn = readInteger(cursor) === 1;
    else if (key !== undefined && names.has(key)) found.columns.set(key, findColumn(cursor));
    else cursor.skip();
  }
  if (!cursor.atEnd) throw new Refused("format", "bytes follow the payload's map");
  return found;
}

function findColumn(cursor: MsgpackCursor): FoundColumn {
  const column: FoundColumn = { dtype: undefined, shape: undefined, data: undefined };
  const kind = cursor.open();
  if (kind !== "map") {
    cursor.skip(kind);
    return column;
  }
  for (let left = cursor.size; left > 0; left--) {
    const key = readText(cursor);
    if (key === "dtype") column.dtype = readText(cursor);
    else if (key === "shape") column.shape = readShape(cursor);
    else if (key === "data") column.data = readBinary(cursor);
    else cursor.skip();
  }
  return column;
}

function readText(cursor: MsgpackCursor): string | undefined {
  const kind = cursor.open();
  if (kind === "string") return cursor.text();
  cursor.skip(kind);
  return undefined;
}

function readBinary(cursor: MsgpackCursor): Uint8Array | undefined {
  const kind = cursor.open();
  if (kind === "binary") return cursor.binary();
  cursor.skip(kind);
  return undefined;
}

function readInteger(cursor: MsgpackCursor): number | undefined {
  const kind = cursor.open();
  if (kind === "integer") return cursor.size;
  cursor.skip(kind);
  return undefined;
}

/** One or two numbers; everything else is no shape. */
function readShape(cursor: MsgpackCursor): readonly number[] | undefined {
  const kind = cursor.open();
  const rank = cursor.size;
  if (kind !== "array" || rank < 1 || rank > 2) {
    cursor.skip(kind);
    return undefined;
  }
  const sizes = Array.from({ length: rank }, () => readInteger(cursor));
  return sizes.every((size) => size !== undefined) ? sizes : undefined;
}

type Numbers = Float32Array | Int32Array | Uint8Array;

interface Buffers<T extends Numbers> {
  readonly values: T;
  /** The same memory. */
  readonly bytes: Uint8Array;
}

function buffers<T extends Numbers>(values: T): Buffers<T> {
  return { values, bytes: new Uint8Array(values.buffer) };
}

function dtypeOf(values: Numbers): string {
  if (values instanceof Float32Array) return "<f4";
  return values instanceof Int32Array ? "<i4" : "|u1";
}

class Refused extends Error {
  readonly refusal: PayloadRefusal;

  constructor(reason: PayloadRefusal["reason"], message: string) {
    super(message);
    this.refusal = { reason, message };
  }
}

interface ExpectedColumn {
  readonly name: string;
  readonly found: FoundColumn | undefined;
  readonly dtype: string;
  readonly shape: readonly number[];
}

function readColumn<T extends Numbers>(expected: ExpectedColumn, into: Buffers<T>): T {
  const { name, found, dtype, shape } = expected;
  if (found?.dtype === undefined) throw new Refused("dtype", `${name} is missing or no column`);
  if (found.dtype !== dtype) {
    throw new Refused("dtype", `${name} has dtype ${found.dtype}, not ${dtype}`);
  }
  const given = found.shape ?? [];
  if (!(given.length === shape.length && shape.every((size, i) => given[i] === size))) {
    throw new Refused(
      "shape",
      `${name} has shape [${given.join(", ")}], not [${shape.join(", ")}]`,
    );
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = count * into.values.BYTES_PER_ELEMENT;
  if (found.data?.length !== bytes) {
    throw new Refused("shape", `the data of ${name} is not ${bytes} bytes long`);
  }
  // A payload's columns begin at any byte; numbers must not.
  into.bytes.set(found.data);
  return into.values.subarray(0, count) as T;
}
