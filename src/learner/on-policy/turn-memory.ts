import { createHash } from "node:crypto";
import { z } from "zod";
import type { PublishedPolicy } from "../../protocol.ts";
import type { LimiterExplanation } from "../../replay/rate-limiter.ts";
import type { TurnQueue } from "../../replay/turn-queue.ts";
import type { Checkpoint } from "../checkpoint/read-checkpoint.ts";
import type { CutMemory, SavedMemory } from "../cut-memory.ts";
import type { Intake } from "./intake.ts";

const publishedSchema = z.strictObject({
  version: z.int().nonnegative(),
  turn: z.int().nonnegative(),
});

const PARAMETERS = "published/parameters";
const NORMALIZER = "published/normalizer";

/**
 * What an on-policy learner carries from one iteration to the next besides its parameters. Data that wait
 * in the queue are no part of it, they are acted again after a restart; but where actors are ahead, that
 * takes the older policy that was to act.
 */
export class TurnMemory implements CutMemory {
  readonly #queue: TurnQueue;
  readonly #intake: Intake;
  /** Copies of what was published for turns that have not been learned from, the oldest first. */
  #published: PublishedPolicy[] = [];

  constructor(queue: TurnQueue, intake: Intake) {
    this.#queue = queue;
    this.#intake = intake;
  }

  /** Policies are kept, a copy, until the turn that they grant has been learned from. */
  publish(policy: PublishedPolicy): void {
    const { parameters, normalizer } = policy;
    this.#published.push({
      ...policy,
      parameters: parameters.slice(),
      normalizer: normalizer.slice(),
    });
  }

  /** The data of `turn` have been learned from. */
  learned(turn: number): void {
    this.#published = this.#published.filter((policy) => policy.turn > turn);
  }

  /** The policy that acts in the next turn; undefined when it is the current one. */
  get next(): PublishedPolicy | undefined {
    return this.#published[0];
  }

  save(): SavedMemory {
    const { next } = this;
    if (!next) return { json: {}, replay: [] };
    const { version, turn, parameters, normalizer } = next;
    return {
      json: { published: { version, turn } },
      replay: [],
      tensors: {
        [PARAMETERS]: { shape: [parameters.length], data: parameters },
        [NORMALIZER]: { shape: [normalizer.length], data: normalizer },
      },
    };
  }

  /** Remembers what `save` has put into a checkpoint. @throws ZodError when the part is none of ours. */
  restore({ json, tensors }: Checkpoint): void {
    const saved = publishedSchema.optional().parse(json["published"]);
    const parameters = tensors[PARAMETERS]?.data;
    const normalizer = tensors[NORMALIZER]?.data;
    if (!saved || !(parameters instanceof Float32Array && normalizer instanceof Float32Array)) {
      return;
    }
    this.publish({ ...saved, parameters, normalizer });
  }

  digest(): string {
    const hash = createHash("sha256");
    for (const { version, turn, parameters, normalizer } of this.#published.slice(0, 1)) {
      hash.update(JSON.stringify({ version, turn })).update(parameters).update(normalizer);
    }
    return hash.digest("hex");
  }

  explain(): LimiterExplanation {
    const ready = this.#queue.ready.length;
    const { expected } = this.#intake;
    const isWaiting = ready < expected;
    return {
      ...{ samplesPerInsert: 0, minSize: 0, errorBuffer: 0, inserts: 0, samples: 0, offset: 0 },
      size: this.#queue.ready.reduce((sum, { steps }) => sum + steps, 0),
      ...{ error: 0, low: 0, high: 0 },
      waiting: isWaiting ? "learner" : "nobody",
      sentence: isWaiting
        ? `the learner waits: ${ready} of ${expected} turns of actors are there`
        : "nobody waits",
    };
  }
}
