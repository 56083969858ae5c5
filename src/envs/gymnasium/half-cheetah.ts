import { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import type { MujocoTask, TaskRules } from "../mujoco/task.ts";
import { weight } from "../options.ts";
import { HALF_CHEETAH_MJCF } from "./models/half-cheetah.ts";
import {
  addNormal,
  addUniform,
  hiddenPositions,
  noiseScale,
  type StateLayout,
  squaredNorm,
  writeState,
} from "./task-parts.ts";

const options = z.strictObject({
  ...commonOptions({ frameSkip: 5, maxEpisodeSteps: 1000 }),
  forward_reward_weight: weight(1, "factor of the forward velocity in the reward"),
  ctrl_cost_weight: weight(0.1, "factor of the squared action in the cost"),
  reset_noise_scale: noiseScale(0.1),
  exclude_current_positions_from_observation: hiddenPositions("x"),
});

type Options = z.output<typeof options>;

/**
 * A planar cheetah runs. Observation: [q1..q8, v0..v8], q0 = x being left out by default.
 *
 *     reward = w_f (x' - x) / dt - w_c |a|^2
 */
class HalfCheetahRules implements TaskRules {
  readonly observationSize: number;
  readonly memory = new Float64Array(1); // x after the last step
  readonly resetInfo = { x_position: 0 };
  readonly stepInfo = { x_position: 0, x_velocity: 0, reward_forward: 0, reward_ctrl: 0 };
  reward = 0;
  readonly terminated = false;

  readonly #simulation: Simulation;
  readonly #options: Options;
  readonly #dt: number;
  readonly #layout: StateLayout;

  constructor(simulation: Simulation, options: Options, dt: number) {
    this.#simulation = simulation;
    this.#options = options;
    this.#dt = dt;
    const skip = options.exclude_current_positions_from_observation ? 1 : 0;
    this.#layout = { skip, velocityLimit: Number.POSITIVE_INFINITY };
    this.observationSize = simulation.model.nq + simulation.model.nv - skip;
  }

  drawStart(random: RandomStream): void {
    const scale = this.#options.reset_noise_scale;
    addUniform(this.#simulation.qpos, scale, random);
    addNormal(this.#simulation.qvel, scale, random);
  }

  begin(): void {
    const x = this.#simulation.qpos[0]!;
    this.memory[0] = x;
    this.resetInfo.x_position = x;
  }

  observe(observation: Float64Array): void {
    writeState(this.#simulation, this.#layout, observation);
  }

  judge(ctrl: Float64Array): void {
    const { memory, stepInfo } = this;
    const x = this.#simulation.qpos[0]!;
    const velocity = (x - memory[0]!) / this.#dt;
    memory[0] = x;
    const forward = this.#options.forward_reward_weight * velocity;
    const cost = this.#options.ctrl_cost_weight * squaredNorm(ctrl);
    this.reward = forward - cost;
    stepInfo.x_position = x;
    stepInfo.x_velocity = velocity;
    stepInfo.reward_forward = forward;
    stepInfo.reward_ctrl = -cost;
  }
}

export const halfCheetah: MujocoTask<typeof options> = {
  id: "HalfCheetah-v5",
  group: "gymnasium",
  mjcf: HALF_CHEETAH_MJCF,
  dt: 0.05,
  rewardThreshold: 4800,
  rewardTerms: "forward velocity - 0.1 |action|^2",
  source: "Gymnasium v5: gymnasium/envs/mujoco/half_cheetah_v5.py and assets/half_cheetah.xml",
  options,
  bind: (simulation, options, dt) => new HalfCheetahRules(simulation, options, dt),
};

/** The same; v4 only named the forward term of the reward otherwise. */
export const halfCheetahV4: MujocoTask<typeof options> = {
  ...halfCheetah,
  id: "HalfCheetah-v4",
  group: "gymnasium v4",
  source: "Gymnasium v4: gymnasium/envs/mujoco/half_cheetah_v4.py and assets/half_cheetah.xml",
};
