import { crc32c } from "@node-rs/crc32";
import type { GetPolicyResponse } from "../generated/troupe/v1/actor.ts";

/** What numbers a policy: publications count from 1 in each term of the learner. */
export interface Publication {
  readonly term: number;
  readonly publication: number;
}

export function isLater(a: Publication, b: Publication): boolean {
  return a.term > b.term || (a.term === b.term && a.publication > b.publication);
}

/** A policy that arrived whole; the arrays are valid until the next transfer begins. */
export interface ReceivedPolicy extends Publication {
  /** Learner step of the parameters; -1: act uniformly at random. */
  readonly version: number;
  /** Turns granted, of on-policy runs. */
  readonly turn: number;
  readonly parameters: Float32Array;
  readonly normalizer: Float32Array;
}

/**
 * Puts the slices of a policy together and checks them: same policy, no gap, the right length, the right
 * checksum. The one buffer there is has that length; whatever a sender claims, nothing grows.
 */
export class PolicyTransfer {
  readonly #bytes: Uint8Array;
  readonly #values: Float32Array;
  readonly #parameterCount: number;
  #first: GetPolicyResponse | undefined;
  #received = 0;

  constructor(parameterCount: number, observationSize: number) {
    this.#parameterCount = parameterCount;
    this.#values = new Float32Array(parameterCount + 2 * observationSize);
    this.#bytes = new Uint8Array(this.#values.buffer);
  }

  /** Forgets the slices so far. */
  begin(): void {
    this.#first = undefined;
    this.#received = 0;
  }

  /** Takes the next slice. @returns What is wrong with it, if anything is. */
  add(slice: GetPolicyResponse): string | undefined {
    const { data, offset } = slice;
    this.#first ??= slice;
    if (!isSamePolicy(slice, this.#first)) return "slices of different policies";
    if (slice.totalBytes !== this.#bytes.length) {
      return `a policy of ${slice.totalBytes} bytes instead of ${this.#bytes.length}`;
    }
    if (offset !== this.#received) return `a slice at ${offset} instead of ${this.#received}`;
    if (offset + data.length > this.#bytes.length) return "more bytes than announced";
    this.#bytes.set(data, offset);
    this.#received += data.length;
    return undefined;
  }

  /** The policy after its last slice, or what is wrong with it. */
  finish(): ReceivedPolicy | string {
    const first = this.#first;
    if (!first || this.#received < this.#bytes.length) {
      return `${this.#received} of ${this.#bytes.length} bytes`;
    }
    if (crc32c(this.#bytes) !== first.checksum) return "a wrong checksum";
    const { term, publication, version, turn } = first;
    return {
      ...{ term, publication, version, turn },
      parameters: this.#values.subarray(0, this.#parameterCount),
      normalizer: this.#values.subarray(this.#parameterCount),
    };
  }
}

function isSamePolicy(a: GetPolicyResponse, b: GetPolicyResponse): boolean {
  return (
    a.term === b.term &&
    a.publication === b.publication &&
    a.version === b.version &&
    a.totalBytes === b.totalBytes &&
    a.checksum === b.checksum
  );
}
