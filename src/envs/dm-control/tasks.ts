import type { EnvEntry } from "../entry.ts";
import { mujocoEntry } from "../mujoco/mujoco-entry.ts";
import { cartpoleTasks } from "./cartpole.ts";
import { pendulumTasks } from "./pendulum.ts";

/** The tasks of the DeepMind Control Suite that are implemented. */
export const dmControlEntries: readonly EnvEntry[] = [...cartpoleTasks, ...pendulumTasks].map(
  mujocoEntry,
);
