import { setTimeout as sleep } from "node:timers/promises";
import type { ClientReadableStream } from "@grpc/grpc-js";
import type { GetPolicyResponse } from "../generated/troupe/v1/actor.ts";
import type { PolicyBoard } from "../policy-board.ts";
import { Backoff } from "./backoff.ts";
import { type LearnerChannel, statusName } from "./channel.ts";
import {
  isLater,
  PolicyTransfer,
  type Publication,
  type ReceivedPolicy,
} from "./policy-transfer.ts";

export interface PolicyClientOptions {
  readonly channel: LearnerChannel;
  readonly runId: string;
  /** Where the policies go, for all actors of this process; nobody else may publish there. */
  readonly board: PolicyBoard;
  /** Least time between two fetches. */
  readonly intervalMs: number;
  /** Turns that actors may be ahead, where they take turns; 0 when left out. */
  readonly turnsAhead?: number | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onPolicy: (policy: FetchedPolicy) => void;
  /** A transfer did not add up, or broke off, and is thrown away. */
  readonly onFailure: (reason: "damaged" | "broken", message: string) => void;
  /** A call ended, after so long, with this status. */
  readonly onCallEnd: (status: string, seconds: number) => void;
}

export interface FetchedPolicy extends Publication {
  readonly version: number;
  /** From the first slice to the last. */
  readonly seconds: number;
  readonly bytes: number;
}

/** What came of a call. */
interface Reception {
  readonly error: Error | undefined;
  /** When the first slice came; undefined when none did. */
  readonly firstAt: number | undefined;
  /** What is wrong with the slices. */
  readonly wrong: string | undefined;
}

/** Between the slices of one policy; before the first there is no bound, for there may be no new policy. */
const STALL_MS = 10_000;
const NONE: Publication = { term: 0, publication: 0 };

/**
 * Keeps the board at the learner's newest policy: asks for one later than the last, waits, takes it over,
 * asks again.
 *
 * After a broken call it asks for any: the learner may have been restarted and count from 1 again.
 */
export class PolicyClient {
  readonly #options: PolicyClientOptions;
  readonly #transfer: PolicyTransfer;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #call: ClientReadableStream<GetPolicyResponse> | undefined;
  #newest: Publication = NONE;
  readonly #turns: TurnNumbers;

  constructor(options: PolicyClientOptions) {
    const { parameterCount, observationSize } = options.board.memory;
    this.#options = options;
    this.#turns = new TurnNumbers(options.turnsAhead ?? 0);
    this.#transfer = new PolicyTransfer(parameterCount, observationSize);
    this.#backoff = new Backoff(options.random);
  }

  /** Fetches until `stop`. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    let have = 0;
    while (!signal.aborted) {
      const started = performance.now();
      const isWhole = await this.#fetch(have);
      if (signal.aborted) return;
      have = isWhole ? this.#newest.publication : 0;
      if (isWhole) {
        this.#backoff.reset();
        const restMs = this.#options.intervalMs - (performance.now() - started);
        if (restMs > 0) await sleep(restMs, undefined, { signal }).catch(() => undefined);
      } else {
        await this.#backoff.pause(signal);
      }
    }
  }

  /** Breaks the wait off and asks again: the connection it was asked over may be dead. */
  askAgain(): void {
    this.#call?.cancel();
  }

  stop(): void {
    this.#stopping.abort();
    this.#call?.cancel();
  }

  /** @returns Whether a whole policy arrived; never rejects. */
  async #fetch(havePublication: number): Promise<boolean> {
    const { channel, runId, onFailure, onCallEnd } = this.#options;
    const start = performance.now();
    this.#call = channel.getPolicy({ runId, havePublication });
    const { error, firstAt, wrong } = await this.#receive(this.#call);
    this.#call = undefined;
    onCallEnd(statusName(error), (performance.now() - start) / 1000);
    if (wrong !== undefined) {
      onFailure("damaged", wrong);
      return false;
    }
    // A learner that has no news before it stops ends the call without a slice.
    if (firstAt === undefined) return false;
    if (error) {
      onFailure("broken", error.message);
      return false;
    }
    const missing = this.#takeOver((performance.now() - firstAt) / 1000);
    if (missing !== undefined) onFailure("damaged", missing);
    return missing === undefined && this.#newest.publication > havePublication;
  }

  async #receive(call: ClientReadableStream<GetPolicyResponse>): Promise<Reception> {
    let firstAt: number | undefined;
    let wrong: string | undefined;
    let stall: NodeJS.Timeout | undefined;
    this.#transfer.begin();
    const error = await new Promise<Error | undefined>((resolve) => {
      call
        .on("data", (slice: GetPolicyResponse) => {
          firstAt ??= performance.now();
          clearTimeout(stall);
          stall = setTimeout(() => call.cancel(), STALL_MS);
          wrong ??= this.#transfer.add(slice);
          if (wrong !== undefined) call.cancel();
        })
        .on("error", resolve)
        .on("end", () => resolve(undefined));
    });
    clearTimeout(stall);
    return { error, firstAt, wrong };
  }

  /** @returns What is wrong with the policy, if anything is. */
  #takeOver(seconds: number): string | undefined {
    const policy = this.#transfer.finish();
    if (typeof policy === "string") return policy;
    if (!isLater(policy, this.#newest)) return undefined;
    const { term, publication, version, parameters, normalizer } = policy;
    const turn = this.#turns.local(policy);
    this.#newest = { term, publication };
    this.#options.board.publish({ version, turn, parameters, normalizer });
    const bytes = parameters.byteLength + normalizer.byteLength;
    this.#options.onPolicy({ term, publication, version, seconds, bytes });
    return undefined;
  }
}

/**
 * Turns as this host's actors count them. A learner that comes back begins again at its checkpoint, and what
 * it had been sent since is lost: its first grant must be above all that came before, or everybody would wait.
 */
class TurnNumbers {
  readonly #ahead: number;
  #term = 0;
  #offset = 0;
  #last = 0;

  constructor(ahead: number) {
    this.#ahead = ahead;
  }

  local({ term, turn }: Pick<ReceivedPolicy, "term" | "turn">): number {
    if (this.#term !== 0 && term !== this.#term) {
      this.#offset = Math.max(0, this.#last + 1 + this.#ahead - turn);
    }
    this.#term = term;
    this.#last = turn + this.#offset;
    return this.#last;
  }
}
