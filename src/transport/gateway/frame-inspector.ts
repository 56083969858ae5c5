import { crc32c } from "@node-rs/crc32";
import type { FrameRefusalReason, Unroll, UnrollShape } from "../../protocol.ts";
import type { RingShape } from "../../replay/ring.ts";
import { type Refusal, refuseUnroll } from "../../replay/unroll-check.ts";
import { UnrollDecoder } from "../../replay/unroll-codec.ts";
import type { Frame } from "../generated/troupe/v1/actor.ts";

/** What is wrong with a frame. */
export interface FrameFault {
  readonly reason: FrameRefusalReason;
  readonly message: string;
}

export type InspectedFrame =
  | { readonly unroll: Unroll; readonly endsTurn: boolean; readonly fault?: never }
  | { readonly unroll?: never; readonly endsTurn?: never; readonly fault: FrameFault };

const MESSAGES: Readonly<Record<Refusal, string>> = {
  dtype: "a column has another type",
  shape: "a column's length does not fit the number of steps",
  oversize: "there are too many steps",
  "early-end": "an episode ends before the last step",
  flag: "terminated or truncated is neither 0 nor 1",
  "non-finite": "an observation, action or reward is NaN or infinite",
  "action-range": "an action lies outside [-1, 1]",
};

export interface InspectorOptions {
  readonly shape: UnrollShape;
  readonly envsPerActor: number;
  readonly maxPayloadBytes: number;
}

/** The door: turns frames into unrolls, or says what is wrong with them. Nothing about them is trusted. */
export class FrameInspector {
  readonly #options: InspectorOptions;
  readonly #decoder: UnrollDecoder;
  readonly #shape: RingShape;

  constructor(options: InspectorOptions) {
    this.#options = options;
    this.#decoder = new UnrollDecoder(options.shape);
    // What fits an unroll fits replay: the configuration sees to that.
    this.#shape = { ...options.shape, capacity: options.shape.unrollLength };
  }

  /** The unroll's arrays are valid until the next call. */
  inspect({ payload, checksum }: Frame, slot: number): InspectedFrame {
    const { maxPayloadBytes } = this.#options;
    if (payload.length > maxPayloadBytes) {
      const message = `the payload has ${payload.length} bytes, at most ${maxPayloadBytes} are taken`;
      return { fault: { reason: "oversize", message } };
    }
    const actual = crc32c(payload);
    if (actual !== checksum) {
      const message = `the payload's CRC-32C is ${hex(actual)}, not ${hex(checksum)}`;
      return { fault: { reason: "checksum", message } };
    }
    return this.decode(payload, slot);
  }

  /** Reads a payload whose bytes are known to be right. */
  decode(payload: Uint8Array, slot: number): InspectedFrame {
    const { envsPerActor } = this.#options;
    const { unroll, endsTurn, refusal } = this.#decoder.decode(payload, slot);
    if (refusal) return { fault: refusal };
    if (unroll.env >= envsPerActor) {
      const message = `env is ${unroll.env}, an actor has ${envsPerActor}`;
      return { fault: { reason: "shape", message } };
    }
    const reason = refuseUnroll(unroll, this.#shape);
    return reason ? { fault: { reason, message: MESSAGES[reason] } } : { unroll, endsTurn };
  }
}

function hex(checksum: number): string {
  return `0x${checksum.toString(16).padStart(8, "0")}`;
}
