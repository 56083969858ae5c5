import { Packr, Unpackr } from "msgpackr";
import type { Unroll, UnrollShape } from "../protocol.ts";
import type { Refusal } from "../replay/unroll-check.ts";

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
  | { readonly unroll: Unroll; readonly refusal?: never }
  | { readonly unroll?: never; readonly refusal: PayloadRefusal };

// Maps rather than objects: a payload may name any key, `__proto__` too.
const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false });

/** An unroll as bytes: a msgpack map of columns, the format of `Frame.payload` (docs/protocol.md). */
export function encodeUnroll(unroll: Unroll, shape: UnrollShape): Uint8Array {
  const { length } = unroll;
  const { observationSize, actionSize } = shape;
  return packr.pack({
    v: PAYLOAD_VERSION,
    env: unroll.env,
    observations: column("<f4", [length + 1, observationSize], unroll.observations),
    actions: column("<f4", [length, actionSize], unroll.actions),
    rewards: column("<f4", [length], unroll.rewards),
    terminated: column("|u1", [length], unroll.terminated),
    truncated: column("|u1", [length], unroll.truncated),
    policy_versions: column("<i4", [length], unroll.policyVersions),
  });
}

function column(dtype: string, shape: readonly number[], data: ArrayBufferView): Column {
  return { dtype, shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/**
 * Reads payloads of one shape into buffers of its own. Payloads come from other machines: nothing about
 * them is taken for granted, and none makes it throw. Values are not looked at; `refuseUnroll` does that.
 */
export class UnrollDecoder {
  readonly #shape: UnrollShape;
  readonly #observations: Buffers<Float32Array>;
  readonly #actions: Buffers<Float32Array>;
  readonly #rewards: Buffers<Float32Array>;
  readonly #policyVersions: Buffers<Int32Array>;
  readonly #terminated: Buffers<Uint8Array>;
  readonly #truncated: Buffers<Uint8Array>;

  constructor(shape: UnrollShape) {
    const { observationSize, actionSize, unrollLength } = shape;
    this.#shape = shape;
    this.#observations = buffers(new Float32Array((unrollLength + 1) * observationSize));
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
      return { unroll: this.#read(fieldsOf(payload), actor) };
    } catch (thrown) {
      if (thrown instanceof Refused) return { refusal: thrown.refusal };
      // Whatever msgpackr makes of bytes that are no msgpack.
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      return {
        refusal: { reason: "format", message: `the payload is no msgpack map: ${message}` },
      };
    }
  }

  #read(fields: ReadonlyMap<unknown, unknown>, actor: number): Unroll {
    const version = fields.get("v");
    if (version !== PAYLOAD_VERSION) {
      throw new Refused("format", `v is ${String(version)}, not ${PAYLOAD_VERSION}`);
    }
    const env = fields.get("env");
    if (!(typeof env === "number" && Number.isInteger(env) && env >= 0 && env < 2 ** 31)) {
      throw new Refused("shape", `env is ${String(env)}, no index of an environment`);
    }
    const { observationSize, actionSize, unrollLength } = this.#shape;
    const length = stepsOf(fields.get("rewards"));
    if (length > unrollLength) {
      throw new Refused("oversize", `${length} steps, at most ${unrollLength} fit an unroll`);
    }
    const read = <T extends Numbers>(name: string, shape: readonly number[], into: Buffers<T>): T =>
      readColumn({ name, value: fields.get(name), dtype: dtypeOf(into.values), shape }, into);
    return {
      actor,
      env,
      length,
      observations: read("observations", [length + 1, observationSize], this.#observations),
      actions: read("actions", [length, actionSize], this.#actions),
      rewards: read("rewards", [length], this.#rewards),
      terminated: read("terminated", [length], this.#terminated),
      truncated: read("truncated", [length], this.#truncated),
      policyVersions: read("policy_versions", [length], this.#policyVersions),
    };
  }
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

function fieldsOf(payload: Uint8Array): ReadonlyMap<unknown, unknown> {
  const value: unknown = unpackr.unpack(payload);
  if (value instanceof Map) return value;
  throw new Refused("format", "the payload is msgpack, but no map");
}

/** The number of steps, from the shape of `rewards`. */
function stepsOf(rewards: unknown): number {
  const shape = rewards instanceof Map ? rewards.get("shape") : undefined;
  const length: unknown = Array.isArray(shape) ? shape[0] : undefined;
  if (typeof length === "number" && Number.isInteger(length) && length >= 1) return length;
  throw new Refused("shape", "rewards has no shape [steps] with steps of 1 or more");
}

interface ExpectedColumn {
  readonly name: string;
  readonly value: unknown;
  readonly dtype: string;
  readonly shape: readonly number[];
}

function readColumn<T extends Numbers>(expected: ExpectedColumn, into: Buffers<T>): T {
  const { name, value, dtype, shape } = expected;
  if (!(value instanceof Map)) throw new Refused("dtype", `${name} is missing or no column`);
  if (value.get("dtype") !== dtype) {
    throw new Refused("dtype", `${name} has dtype ${String(value.get("dtype"))}, not ${dtype}`);
  }
  const given: unknown = value.get("shape");
  const fits = Array.isArray(given) && given.length === shape.length;
  if (!(fits && shape.every((size, i) => given[i] === size))) {
    throw new Refused("shape", `${name} has shape [${String(given)}], not [${shape.join(", ")}]`);
  }
  const data: unknown = value.get("data");
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = count * into.values.BYTES_PER_ELEMENT;
  if (!(data instanceof Uint8Array && data.length === bytes)) {
    throw new Refused("shape", `the data of ${name} is not ${bytes} bytes long`);
  }
  // A payload's columns begin at any byte; numbers must not.
  into.bytes.set(data);
  return into.values.subarray(0, count) as T;
}
