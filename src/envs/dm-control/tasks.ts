import type { EnvEntry } from "../entry.ts";
import { mujocoEntry } from "../mujoco/mujoco-entry.ts";
import { acrobotTasks } from "./acrobot.ts";
import { ballInCupTasks } from "./ball-in-cup.ts";
import { cartpoleTasks } from "./cartpole.ts";
import { cheetahTasks } from "./cheetah.ts";
import { dogTasks } from "./dog.ts";
import { fingerTasks } from "./finger.ts";
import { fishTasks } from "./fish.ts";
import { hopperTasks } from "./hopper.ts";
import { humanoidTasks } from "./humanoid.ts";
import { manipulatorTasks } from "./manipulator.ts";
import { pendulumTasks } from "./pendulum.ts";
import { pointMassTasks } from "./point-mass.ts";
import { quadrupedTasks } from "./quadruped.ts";
import { reacherTasks } from "./reacher.ts";
import { swimmerTasks } from "./swimmer.ts";
import { walkerTasks } from "./walker.ts";

/** The tasks of the DeepMind Control Suite that are implemented. */
export const dmControlEntries: readonly EnvEntry[] = [
  ...acrobotTasks,
  ...ballInCupTasks,
  ...cartpoleTasks,
  ...cheetahTasks,
  ...dogTasks,
  ...fingerTasks,
  ...fishTasks,
  ...hopperTasks,
  ...humanoidTasks,
  ...manipulatorTasks,
  ...pendulumTasks,
  ...pointMassTasks,
  ...quadrupedTasks,
  ...reacherTasks,
  ...swimmerTasks,
  ...walkerTasks,
].map(mujocoEntry);
