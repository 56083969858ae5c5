import { type Notice, NoticeKind } from "../generated/troupe/v1/actor.ts";

export type LogLine = (level: "info" | "warn", message: string) => void;

/** Refusals for one reason are told once in so long. */
const REFUSAL_INTERVAL_MS = 5_000;

interface Refusals {
  toldAt: number;
  untold: number;
}

/**
 * Tells how the connection is doing, in few lines: sessions come and go together and say the same things,
 * and a fault of an environment may have every unroll refused.
 */
export class UplinkLog {
  readonly #address: string;
  readonly #say: LogLine;
  readonly #refusals = new Map<string, Refusals>();
  #lostAt: number | undefined = performance.now();
  #lostMessage: string | undefined;
  #noticed: string | undefined;
  #isDraining = false;

  constructor(address: string, say: LogLine) {
    this.#address = address;
    this.#say = say;
  }

  /** Milliseconds since not every session is open; undefined while all are. */
  get lostMs(): number | undefined {
    return this.#lostAt === undefined ? undefined : performance.now() - this.#lostAt;
  }

  /** The learner has said that it is about to stop. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** A session is open. */
  opened(term: number, areAllOpen: boolean): void {
    this.#isDraining = false;
    const { lostMs } = this;
    if (lostMs === undefined || !areAllOpen) return;
    const again =
      this.#lostMessage === undefined ? "" : ` again after ${(lostMs / 1000).toFixed(1)} s`;
    this.#lostAt = undefined;
    this.#lostMessage = undefined;
    this.#noticed = undefined;
    this.#say("info", `connected to ${this.#address}${again}, term ${term}`);
  }

  /** A session was lost, or could not be opened again. */
  lost(message: string): void {
    this.#lostAt ??= performance.now();
    if (message === this.#lostMessage) return;
    this.#lostMessage = message;
    this.#say("warn", `${message}; trying again`);
  }

  notice({ kind, message }: Notice): void {
    if (message !== this.#noticed) this.#say("info", `the learner says: ${message}`);
    this.#noticed = message;
    if (kind === NoticeKind.NOTICE_KIND_DRAINING) this.#isDraining = true;
  }

  refused(which: string, reason: string, message: string): void {
    const now = performance.now();
    const before = this.#refusals.get(reason) ?? { toldAt: -Infinity, untold: 0 };
    this.#refusals.set(reason, before);
    if (now - before.toldAt < REFUSAL_INTERVAL_MS) {
      before.untold += 1;
      return;
    }
    const others = before.untold === 0 ? "" : ` (and ${before.untold} more for that reason)`;
    before.toldAt = now;
    before.untold = 0;
    this.#say("warn", `${which} was refused (${reason}): ${message}${others}`);
  }
}
