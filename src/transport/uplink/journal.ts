import { closeSync, openSync, writeSync } from "node:fs";
import { RunError } from "../../errors.ts";
import { type FrameRefusal, FrameRefusalReason } from "../generated/troupe/v1/actor.ts";
import type { SentFrame } from "./outbox.ts";
import type { SessionIdentity } from "./session-client.ts";

/**
 * What became of this process's unrolls, by the learner's word: a line of JSON for each, written when it is
 * reported durable, or refused for good.
 *
 *     {"slot":0,"incarnation":1,"sequence":17,"steps":64,"checksum":305419896}
 *     {"slot":0,"incarnation":1,"sequence":18,"steps":64,"checksum":591751049,"refused":"non-finite"}
 */
export class Journal implements Disposable {
  readonly #file: number;

  /** Appends to what is there. @throws RunError CONFIG_INVALID when the file cannot be written. */
  constructor(path: string) {
    try {
      this.#file = openSync(path, "a");
    } catch (thrown) {
      const { message } = RunError.from(thrown);
      throw new RunError("CONFIG_INVALID", `cannot write the journal: ${message}`);
    }
  }

  durable(frames: readonly SentFrame[], identity: SessionIdentity): void {
    // One write for all: a process that is killed leaves whole lines.
    writeSync(this.#file, frames.map((frame) => line(entryOf(frame, identity))).join(""));
  }

  refused(frame: SentFrame, refusal: FrameRefusal, identity: SessionIdentity): void {
    const refused = reasonName(refusal.reason);
    writeSync(this.#file, line({ ...entryOf(frame, identity), refused }));
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** The reason as the learner counts it, such as "non-finite". */
export function reasonName(reason: FrameRefusalReason): string {
  const prefix = "FRAME_REFUSAL_REASON_";
  const key = Object.entries(FrameRefusalReason).find(([, value]) => value === reason)?.[0];
  return key?.slice(prefix.length).toLowerCase().replaceAll("_", "-") ?? String(reason);
}

function entryOf({ sequence, steps, checksum }: SentFrame, identity: SessionIdentity) {
  const { slot, incarnation } = identity;
  return { slot, incarnation, sequence, steps, checksum };
}

function line(entry: object): string {
  return `${JSON.stringify(entry)}\n`;
}
