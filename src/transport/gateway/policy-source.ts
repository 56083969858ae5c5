import { crc32c } from "@node-rs/crc32";
import { GetPolicyResponse } from "../generated/troupe/v1/actor.ts";
import { PolicyBoard, type PolicyBoardMemory } from "../policy-board.ts";

/** Bytes of policy in one message: larger ones stall the thread, smaller ones cost more calls. */
const SLICE_BYTES = 256 * 1024;

/** A policy as it is sent, the same buffers to everybody. */
export interface EncodedPolicy {
  readonly publication: number;
  readonly totalBytes: number;
  /** GetPolicyResponse messages, in order. */
  readonly messages: readonly Buffer[];
}

/** The newest policy of a board, encoded once and only when somebody wants it. */
export class PolicySource {
  readonly #memory: PolicyBoardMemory;
  readonly #board: PolicyBoard;
  readonly #term: number;
  #newest: EncodedPolicy | undefined;

  constructor(memory: PolicyBoardMemory, term: number) {
    this.#memory = memory;
    this.#board = new PolicyBoard(memory);
    this.#term = term;
  }

  /** Number of the newest publication; 0 before the first. */
  get publication(): number {
    return this.#board.published;
  }

  newest(): EncodedPolicy | undefined {
    // Read before the policy is: should a later one come meanwhile, it is sent again under its own number.
    const publication = this.#board.published;
    if (this.#newest?.publication === publication) return this.#newest;
    this.#newest = this.#read(publication);
    return this.#newest;
  }

  #read(publication: number): EncodedPolicy | undefined {
    const { parameterCount, observationSize } = this.#memory;
    const bytes = Buffer.from(new ArrayBuffer(4 * (parameterCount + 2 * observationSize)));
    const policy = this.#board.read({
      parameters: new Float32Array(bytes.buffer, 0, parameterCount),
      normalizer: new Float32Array(bytes.buffer, 4 * parameterCount, 2 * observationSize),
    });
    if (policy === undefined) return undefined;
    const checksum = crc32c(bytes);
    const messages: Buffer[] = [];
    for (let offset = 0; offset < bytes.length; offset += SLICE_BYTES) {
      const slice = {
        publication,
        term: this.#term,
        version: policy.version,
        totalBytes: bytes.length,
        checksum,
        offset,
        data: bytes.subarray(offset, offset + SLICE_BYTES),
        turn: policy.turn,
      };
      messages.push(Buffer.from(GetPolicyResponse.encode(slice).finish()));
    }
    return { publication, totalBytes: bytes.length, messages };
  }
}
