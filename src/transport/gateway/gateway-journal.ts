import type { MetricsRecorder } from "../../metrics/recorder.ts";
import type { FrameFault } from "./frame-inspector.ts";
import type { GatewayEvent } from "./gateway-task.ts";
import type { Member, Members } from "./members.ts";
import { refusalNames } from "./refusal-names.ts";
import type { Sender } from "./sender.ts";
import type { Session, SessionEnd } from "./session.ts";

export interface GatewayJournalOptions {
  readonly recorder: MetricsRecorder;
  /** For names; of slots nobody holds there are none. */
  readonly members: Members;
  readonly emit: (event: GatewayEvent) => void;
}

/** Logs and counts what becomes of actors and of their frames. */
export class GatewayJournal {
  readonly #options: GatewayJournalOptions;

  constructor(options: GatewayJournalOptions) {
    this.#options = options;
  }

  /** @param how Whether the actor is new, or has lost its stream. */
  joined({ sender, host, index, peer }: Member, how: "takes" | "is back in"): void {
    const { slot, incarnation } = sender;
    this.#options.recorder.inc("troupe_sessions_opened_total");
    this.#log(
      "info",
      `actor ${host}/${index} at ${peer} ${how} slot ${slot}, incarnation ${incarnation}`,
    );
  }

  over({ sender, peer }: Session, why: SessionEnd): void {
    const who = sender ? this.#nameOf(sender) : peer;
    switch (why.kind) {
      case "lost":
        if (sender) this.#log("info", `lost ${who}`);
        return;
      case "goodbye":
        this.#log("info", `${who} left: ${why.reason}`);
        return;
      case "refused":
        this.#options.recorder.inc("troupe_session_refused_total", 1, {
          reason: refusalNames[why.fault.reason],
        });
        this.#log("warn", `${who} was refused: ${why.fault.message}`);
        return;
      case "closed":
      case "replaced":
        return;
      default:
        why satisfies never;
    }
  }

  accepted(payload: Uint8Array): void {
    const { recorder } = this.#options;
    recorder.inc("troupe_trajectory_received_total");
    recorder.inc("troupe_trajectory_received_bytes_total", payload.length);
  }

  /** Frames are named before `sender` knows what became of them. */
  refused(sender: Sender, { reason, message }: FrameFault): void {
    this.#options.recorder.inc("troupe_trajectory_dropped_total", 1, { reason });
    this.#log(
      "warn",
      `frame ${sender.next} of ${this.#nameOf(sender)} was refused: ${reason}: ${message}`,
    );
  }

  /** @param sequence The first frame that is not left out. */
  skipped(sender: Sender, sequence: number): void {
    const { next } = sender;
    this.#log("warn", `${this.#nameOf(sender)} leaves out the frames ${next} to ${sequence - 1}`);
  }

  duplicate(): void {
    this.#options.recorder.inc("troupe_trajectory_duplicate_total");
  }

  /** A frame came damaged and is asked for again. */
  resend(sender: Sender, { message }: FrameFault): void {
    this.#options.recorder.inc("troupe_trajectory_resend_total");
    this.#log(
      "warn",
      `frame ${sender.next} of ${this.#nameOf(sender)} is wanted again: ${message}`,
    );
  }

  #nameOf({ slot, incarnation }: Sender): string {
    const member = this.#options.members.at(slot);
    const name = member ? `actor ${member.host}/${member.index}` : "an actor";
    return `${name} (slot ${slot}, incarnation ${incarnation})`;
  }

  #log(level: "info" | "warn", message: string): void {
    this.#options.emit({ type: "log", level, message });
  }
}
