import type { Turn, TurnQueue } from "../../replay/turn-queue.ts";

export interface IntakeOptions {
  /** Actors there are at the start. */
  readonly actors: number;
  /** Iterations that data may be old. */
  readonly maxAge: number;
  /** One turn of every actor, or as many turns of whichever actors come first. */
  readonly select: "every-actor" | "first-come";
  /** How long the slowest actor is waited for after the first turn is there. */
  readonly timeoutMs: number;
}

/** What an iteration is made of, and what is missing from it. */
export interface Iteration {
  /** In the order of the actors, so that it does not depend on who was first. */
  readonly turns: readonly Turn[];
  /** Turns that were waited for in vain. */
  readonly missing: number;
}

/** Decides when there is enough to learn from, and what of it is too old. */
export class Intake {
  readonly #queue: TurnQueue;
  readonly #options: IntakeOptions;
  #expected: number;
  #waitingSince: number | undefined;
  #staleSteps = 0;

  constructor(queue: TurnQueue, options: IntakeOptions) {
    this.#queue = queue;
    this.#options = options;
    this.#expected = Math.max(1, options.actors);
  }

  /** Actors whose turns are waited for. */
  get expected(): number {
    return this.#expected;
  }

  /** Steps that were too old, since the last time this was asked. */
  takeStaleSteps(): number {
    const steps = this.#staleSteps;
    this.#staleSteps = 0;
    return steps;
  }

  /** The data of iteration `version`, or undefined when it is not complete yet. `now` in milliseconds. */
  next(version: number, now: number): Iteration | undefined {
    this.#dropStale(version);
    const turns = this.#candidates();
    if (turns.length === 0) {
      this.#waitingSince = undefined;
      return undefined;
    }
    this.#waitingSince ??= now;
    // An actor that comes back is waited for again.
    this.#expected = Math.max(this.#expected, this.#queue.actors);
    const isLate = now - this.#waitingSince >= this.#options.timeoutMs;
    if (turns.length < this.#expected && !isLate) return undefined;
    return this.#take(turns);
  }

  #take(turns: readonly Turn[]): Iteration {
    const missing = Math.max(0, this.#expected - turns.length);
    if (missing > 0) {
      this.#queue.abandonOpen();
      this.#expected = turns.length;
    }
    this.#waitingSince = undefined;
    this.#queue.remove(turns);
    return { turns: turns.toSorted((a, b) => a.actor - b.actor), missing };
  }

  #candidates(): readonly Turn[] {
    const { ready } = this.#queue;
    if (this.#options.select === "first-come") return ready.slice(0, this.#expected);
    const first = new Map<number, Turn>();
    for (const turn of ready) if (!first.has(turn.actor)) first.set(turn.actor, turn);
    return [...first.values()];
  }

  #dropStale(version: number): void {
    const oldest = version - this.#options.maxAge;
    // A policy from the future is one that a learner's restart has undone.
    const stale = this.#queue.ready.filter(
      ({ policyVersion }) => policyVersion < oldest || policyVersion > version,
    );
    if (stale.length === 0) return;
    this.#queue.remove(stale);
    this.#staleSteps += stale.reduce((sum, { steps }) => sum + steps, 0);
  }
}
