import { z } from "zod";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import type { MujocoTask } from "../mujoco/task.ts";
import { interval, weight } from "../options.ts";
import { WALKER2D_MJCF, WALKER2D_V4_MJCF } from "./models/walker2d.ts";
import { PlanarLegsRules } from "./planar-legs.ts";
import { hiddenPositions, noiseScale, strictlyInside } from "./task-parts.ts";

const options = z.strictObject({
  ...commonOptions({ frameSkip: 4, maxEpisodeSteps: 1000 }),
  forward_reward_weight: weight(1, "factor of the forward velocity in the reward"),
  ctrl_cost_weight: weight(1e-3, "factor of the squared action in the cost"),
  healthy_reward: weight(1, "reward for each step that ends healthy"),
  terminate_when_unhealthy: z.boolean().default(true).describe("end the episode when it falls"),
  healthy_z_range: interval(0.8, 2, "healthy heights in metres"),
  healthy_angle_range: interval(-1, 1, "healthy pitches in radians"),
  reset_noise_scale: noiseScale(5e-3),
  exclude_current_positions_from_observation: hiddenPositions("x"),
});

type Options = z.output<typeof options>;

const bind = (paysFall: boolean) => (simulation: Simulation, options: Options, dt: number) =>
  new PlanarLegsRules({
    simulation,
    options,
    dt,
    paysFall,
    isHealthy: ({ qpos }) =>
      strictlyInside(qpos[1]!, options.healthy_z_range) &&
      strictlyInside(qpos[2]!, options.healthy_angle_range),
  });

export const walker2d: MujocoTask<typeof options> = {
  id: "Walker2d-v5",
  group: "gymnasium",
  mjcf: WALKER2D_MJCF,
  dt: 0.008,
  rewardThreshold: null,
  rewardTerms: "forward velocity + 1 while healthy - 0.001 |action|^2",
  source: "Gymnasium v5: gymnasium/envs/mujoco/walker2d_v5.py and assets/walker2d_v5.xml",
  options,
  bind: bind(false),
};

/** Slips more on its right foot; pays for health on the step that ends it as well. */
export const walker2dV4: MujocoTask<typeof options> = {
  ...walker2d,
  id: "Walker2d-v4",
  group: "gymnasium v4",
  mjcf: WALKER2D_V4_MJCF,
  rewardTerms: "forward velocity + 1 - 0.001 |action|^2",
  source: "Gymnasium v4: gymnasium/envs/mujoco/walker2d_v4.py and assets/walker2d.xml",
  bind: bind(true),
};
