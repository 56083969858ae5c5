import type { EnvEntry } from "../entry.ts";
import { mujocoEntry } from "../mujoco/mujoco-entry.ts";
import { halfCheetah } from "./half-cheetah.ts";
import { hopper } from "./hopper.ts";
import { invertedPendulum } from "./inverted-pendulum.ts";
import { walker2d } from "./walker2d.ts";

/** The tasks of Gymnasium's MuJoCo suite that are implemented. */
export const gymnasiumEntries: readonly EnvEntry[] = [
  mujocoEntry(halfCheetah),
  mujocoEntry(hopper),
  mujocoEntry(walker2d),
  mujocoEntry(invertedPendulum),
];
