import type { EnvEntry } from "../entry.ts";
import { mujocoEntry } from "../mujoco/mujoco-entry.ts";
import { ant, antV4 } from "./ant.ts";
import { halfCheetah, halfCheetahV4 } from "./half-cheetah.ts";
import { hopper, hopperV4 } from "./hopper.ts";
import { humanoid, humanoidV4 } from "./humanoid.ts";
import { humanoidStandup, humanoidStandupV4 } from "./humanoid-standup.ts";
import { invertedDoublePendulum, invertedDoublePendulumV4 } from "./inverted-double-pendulum.ts";
import { invertedPendulum, invertedPendulumV4 } from "./inverted-pendulum.ts";
import { pusher, pusherV4 } from "./pusher.ts";
import { reacher, reacherV4 } from "./reacher.ts";
import { swimmer, swimmerV4 } from "./swimmer.ts";
import { walker2d, walker2dV4 } from "./walker2d.ts";

/**
 * Gymnasium's MuJoCo suite in its version 5, then version 4 for comparison with what was published about it.
 * Version 4 observes, pays and ends as Gymnasium's does; info keeps the names of version 5.
 */
export const gymnasiumEntries: readonly EnvEntry[] = [
  mujocoEntry(halfCheetah),
  mujocoEntry(hopper),
  mujocoEntry(walker2d),
  mujocoEntry(ant),
  mujocoEntry(humanoid),
  mujocoEntry(humanoidStandup),
  mujocoEntry(swimmer),
  mujocoEntry(reacher),
  mujocoEntry(pusher),
  mujocoEntry(invertedPendulum),
  mujocoEntry(invertedDoublePendulum),
  mujocoEntry(halfCheetahV4),
  mujocoEntry(hopperV4),
  mujocoEntry(walker2dV4),
  mujocoEntry(antV4),
  mujocoEntry(humanoidV4),
  mujocoEntry(humanoidStandupV4),
  mujocoEntry(swimmerV4),
  mujocoEntry(reacherV4),
  mujocoEntry(pusherV4),
  mujocoEntry(invertedPendulumV4),
  mujocoEntry(invertedDoublePendulumV4),
];
