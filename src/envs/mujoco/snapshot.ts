import { z } from "zod";
import { RunError } from "../../errors.ts";
import type { EnvSnapshot } from "../env.ts";
import { decodeFloat64, encodeFloat64, float64Text } from "../float64-text.ts";
import { randomStateSchema } from "../random-state.ts";

const schema = z.strictObject({
  format: z.literal(1),
  task: z.string(),
  /** The engine's integration state: time, qpos, qvel, act, warm start, controls, applied forces. */
  physics: float64Text,
  memory: float64Text,
  /** Model numbers the episode's start has changed; a task without any has none, as had format 1 at first. */
  edits: float64Text.default(""),
  /** Kept because it may hold arrays that lag behind the state and cannot be recomputed from it. */
  observation: float64Text,
  random: randomStateSchema,
  seed: z.number(),
  episode: z.int(),
  elapsed: z.int(),
});

type Encoded = z.output<typeof schema>;
type Arrays = "physics" | "memory" | "edits" | "observation";

/** A MuJoCo environment's state between two steps. */
export type MujocoSnapshot = Omit<Encoded, Arrays | "format"> & Record<Arrays, Float64Array>;

export function encodeSnapshot(snapshot: MujocoSnapshot): EnvSnapshot {
  const encoded: Encoded = {
    ...snapshot,
    format: 1,
    physics: encodeFloat64(snapshot.physics),
    memory: encodeFloat64(snapshot.memory),
    edits: encodeFloat64(snapshot.edits),
    observation: encodeFloat64(snapshot.observation),
  };
  return encoded;
}

/** @throws RunError CHECKPOINT_INCOMPATIBLE when it is no snapshot of `task`. */
export function decodeSnapshot(snapshot: EnvSnapshot, task: string): MujocoSnapshot {
  const result = schema.safeParse(snapshot);
  if (!result.success) incompatible(`${task}: no snapshot of it: ${z.prettifyError(result.error)}`);
  const { format: _, physics, memory, edits, observation, ...rest } = result.data;
  if (rest.task !== task) incompatible(`a snapshot of ${rest.task} does not fit ${task}`);
  return {
    ...rest,
    physics: decodeFloat64(physics),
    memory: decodeFloat64(memory),
    edits: decodeFloat64(edits),
    observation: decodeFloat64(observation),
  };
}

/** @throws RunError CHECKPOINT_INCOMPATIBLE when the sizes differ, as after a change of options. */
export function assertSameSize(what: string, saved: number, present: number): void {
  if (saved === present) return;
  incompatible(`the snapshot's ${what} has ${saved} values, not ${present}`);
}

function incompatible(message: string): never {
  throw new RunError("CHECKPOINT_INCOMPATIBLE", message);
}
