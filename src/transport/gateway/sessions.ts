import { type Notice, RefusalReason } from "../generated/troupe/v1/actor.ts";
import type { GatewayLimits } from "./gateway-task.ts";
import type { SessionFault } from "./hello-check.ts";
import type { Session } from "./session.ts";

/** Silent for so many heartbeats, the other side counts as gone. */
const HEARTBEATS_TO_SILENCE = 3;
/** Acknowledgements nobody waits for are put off, longer the more actors there are. */
const [LEAST_LAZY_MS, MOST_LAZY_MS, LAZY_MS_PER_ACTOR] = [10, 100, 0.1];

/** All streams that are open, and what is to be said on them. */
export class Sessions {
  readonly #limits: Pick<GatewayLimits, "maxActors" | "heartbeatSeconds">;
  readonly #open = new Set<Session>();
  /** Those that have something to acknowledge. */
  readonly #due = new Set<Session>();
  #lastLook: number;

  /** @param now Milliseconds. */
  constructor(limits: Pick<GatewayLimits, "maxActors" | "heartbeatSeconds">, now: number) {
    this.#limits = limits;
    this.#lastLook = now;
  }

  /** Whether there is something to acknowledge. */
  get isBusy(): boolean {
    return this.#due.size > 0;
  }

  /** Somebody opened a stream; one too many is refused at once. */
  add(session: Session): void {
    this.#open.add(session);
    const { maxActors } = this.#limits;
    // An actor that comes back may do so before its old stream is known to be dead.
    if (this.#open.size > 2 * maxActors + 16) {
      session.refuse({
        reason: RefusalReason.REFUSAL_REASON_FULL,
        message: `too many streams for ${maxActors} actors`,
      });
    }
  }

  remove(session: Session): void {
    this.#open.delete(session);
    this.#due.delete(session);
  }

  /** There is something to acknowledge. */
  touch(session: Session): void {
    this.#due.add(session);
  }

  /**
   * Makes the acknowledgements that somebody waits for or that have been put off long enough.
   * @param actors Number of actors that are connected.
   * @returns whether there were any.
   */
  acknowledge(actors: number): boolean {
    const lazyMs = Math.min(Math.max(LAZY_MS_PER_ACTOR * actors, LEAST_LAZY_MS), MOST_LAZY_MS);
    let any = false;
    for (const session of this.#due) {
      if (!session.acknowledge(lazyMs)) continue;
      this.#due.delete(session);
      any = true;
    }
    return any;
  }

  /**
   * Sees to silence on either side.
   * @param heard Told of each session that is not silent.
   */
  look(now: number, heard: (session: Session) => void): void {
    const heartbeatMs = 1000 * this.#limits.heartbeatSeconds;
    const slept = now - this.#lastLook > heartbeatMs ? now - this.#lastLook : 0;
    this.#lastLook = now;
    for (const session of this.#open) {
      // Whatever actors said meanwhile has not been read yet.
      if (slept > 0) session.excuse(slept);
      if (now - session.lastHeard > HEARTBEATS_TO_SILENCE * heartbeatMs) {
        session.refuse({
          reason: RefusalReason.REFUSAL_REASON_SILENT,
          message: `nothing was heard for ${Math.round(now - session.lastHeard)} ms`,
        });
        continue;
      }
      heard(session);
      session.heartbeat(0.75 * heartbeatMs);
    }
  }

  /** More of the log is on the disk. */
  continueJoining(): void {
    for (const session of this.#open) session.continueJoining();
  }

  notify(notice: Notice): void {
    for (const session of this.#open) session.notify(notice);
  }

  end(): void {
    for (const session of this.#open) session.end();
  }

  refuse(fault: SessionFault): void {
    for (const session of this.#open) session.refuse(fault);
  }
}
