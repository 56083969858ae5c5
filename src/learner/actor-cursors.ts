import { z } from "zod";
import type { UnrollFrame } from "../protocol.ts";
import type { ActorCursor } from "../replay/log/log-record.ts";

/** How far an actor's frames are in replay. */
export interface ActorProgress {
  readonly slot: number;
  readonly incarnation: number;
  /** The sequence number of the next frame. */
  readonly next: number;
}

export const cursorsSchema = z.array(
  z.strictObject({
    slot: z.int().nonnegative(),
    incarnation: z.int().nonnegative(),
    next: z.int().nonnegative(),
  }),
) satisfies z.ZodType<readonly ActorProgress[]>;

/** Follows the frames that go into replay, so that a checkpoint knows which it holds. */
export class ActorCursors {
  readonly #bySlot = new Map<number, ActorProgress>();

  constructor(saved: readonly ActorProgress[]) {
    for (const progress of saved) this.#bySlot.set(progress.slot, progress);
  }

  saw({ unroll, incarnation, sequence }: UnrollFrame): void {
    const { actor: slot } = unroll;
    this.#bySlot.set(slot, { slot, incarnation, next: sequence + 1 });
  }

  state(): ActorProgress[] {
    return [...this.#bySlot.values()];
  }
}

/** As the gateway needs them; who the actors are is not known from their frames. */
export function gatewayCursors(saved: readonly ActorProgress[]): ActorCursor[] {
  return saved.map((progress) => ({ ...progress, host: "", index: 0, instance: "", refused: [] }));
}
