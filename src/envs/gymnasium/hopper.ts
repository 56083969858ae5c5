import { z } from "zod";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import type { MujocoTask } from "../mujoco/task.ts";
import { interval, weight } from "../options.ts";
import { HOPPER_MJCF } from "./models/hopper.ts";
import { PlanarLegsRules } from "./planar-legs.ts";
import { hiddenPositions, noiseScale, strictlyInside } from "./task-parts.ts";

const options = z.strictObject({
  ...commonOptions({ frameSkip: 4, maxEpisodeSteps: 1000 }),
  forward_reward_weight: weight(1, "factor of the forward velocity in the reward"),
  ctrl_cost_weight: weight(1e-3, "factor of the squared action in the cost"),
  healthy_reward: weight(1, "reward for each step that ends healthy"),
  terminate_when_unhealthy: z.boolean().default(true).describe("end the episode when it falls"),
  healthy_state_range: interval(-100, 100, "healthy joint positions from pitch on, and velocities"),
  healthy_z_range: interval(0.7, Number.POSITIVE_INFINITY, "healthy heights in metres"),
  healthy_angle_range: interval(-0.2, 0.2, "healthy pitches in radians"),
  reset_noise_scale: noiseScale(5e-3),
  exclude_current_positions_from_observation: hiddenPositions("x"),
});

type Options = z.output<typeof options>;

/** Every interval is open; the state range is judged on unclipped velocities. */
function isHealthy({ qpos, qvel }: Simulation, options: Options): boolean {
  const range = options.healthy_state_range;
  for (let i = 2; i < qpos.length; i++) if (!strictlyInside(qpos[i]!, range)) return false;
  for (let i = 0; i < qvel.length; i++) if (!strictlyInside(qvel[i]!, range)) return false;
  return (
    strictlyInside(qpos[1]!, options.healthy_z_range) &&
    strictlyInside(qpos[2]!, options.healthy_angle_range)
  );
}

const bind = (paysFall: boolean) => (simulation: Simulation, options: Options, dt: number) =>
  new PlanarLegsRules({
    simulation,
    options,
    dt,
    paysFall,
    isHealthy: (simulation) => isHealthy(simulation, options),
  });

export const hopper: MujocoTask<typeof options> = {
  id: "Hopper-v5",
  group: "gymnasium",
  mjcf: HOPPER_MJCF,
  dt: 0.008,
  rewardThreshold: 3800,
  rewardTerms: "forward velocity + 1 while healthy - 0.001 |action|^2",
  source: "Gymnasium v5: gymnasium/envs/mujoco/hopper_v5.py and assets/hopper.xml",
  options,
  bind: bind(false),
};

/** Pays for health on the step that ends it as well. */
export const hopperV4: MujocoTask<typeof options> = {
  ...hopper,
  id: "Hopper-v4",
  group: "gymnasium v4",
  rewardTerms: "forward velocity + 1 - 0.001 |action|^2",
  source: "Gymnasium v4: gymnasium/envs/mujoco/hopper_v4.py and assets/hopper.xml",
  bind: bind(true),
};
