import type { LimiterExplanation } from "../../replay/rate-limiter.ts";
import type { TurnQueue } from "../../replay/turn-queue.ts";
import type { CutMemory, SavedMemory } from "../cut-memory.ts";
import type { Intake } from "./intake.ts";

/** Between iterations nothing is remembered: what waits in the queue is acted again after a restart. */
export class TurnMemory implements CutMemory {
  readonly #queue: TurnQueue;
  readonly #intake: Intake;

  constructor(queue: TurnQueue, intake: Intake) {
    this.#queue = queue;
    this.#intake = intake;
  }

  save(): SavedMemory {
    return { json: {}, replay: [] };
  }

  digest(): string {
    return "";
  }

  explain(): LimiterExplanation {
    const ready = this.#queue.ready.length;
    const { expected } = this.#intake;
    const isLearning = ready >= expected;
    const sentence = isLearning
      ? "nobody waits"
      : `the learner waits: ${ready} of ${expected} turns of actors are there`;
    return {
      ...{ samplesPerInsert: 0, minSize: 0, errorBuffer: 0, inserts: 0, samples: 0, offset: 0 },
      size: this.#queue.ready.reduce((sum, { steps }) => sum + steps, 0),
      ...{ error: 0, low: 0, high: 0 },
      waiting: isLearning ? "nobody" : "learner",
      sentence,
    };
  }
}
