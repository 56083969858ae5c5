import type { EnvEntry } from "../entry.ts";
import { mujocoEntry } from "../mujoco/mujoco-entry.ts";
import { cartpoleTasks } from "./cartpole.ts";
import { dogTasks } from "./dog.ts";
import { humanoidTasks } from "./humanoid.ts";
import { manipulatorTasks } from "./manipulator.ts";
import { pendulumTasks } from "./pendulum.ts";
import { quadrupedTasks } from "./quadruped.ts";
import { swimmerTasks } from "./swimmer.ts";
import { walkerTasks } from "./walker.ts";

/** The tasks of the DeepMind Control Suite that are implemented. */
export const dmControlEntries: readonly EnvEntry[] = [
  ...cartpoleTasks,
  ...dogTasks,
  ...humanoidTasks,
  ...manipulatorTasks,
  ...pendulumTasks,
  ...quadrupedTasks,
  ...swimmerTasks,
  ...walkerTasks,
].map(mujocoEntry);
