import { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import type { MujocoTask, TaskRules } from "../mujoco/task.ts";
import { weight } from "../options.ts";
import { SWIMMER_MJCF } from "./models/swimmer.ts";
import {
  addUniform,
  hiddenPositions,
  noiseScale,
  type StateLayout,
  squaredNorm,
  writePosition,
  writeState,
} from "./task-parts.ts";

const options = z.strictObject({
  ...commonOptions({ frameSkip: 4, maxEpisodeSteps: 1000 }),
  forward_reward_weight: weight(1, "factor of the forward velocity in the reward"),
  ctrl_cost_weight: weight(1e-4, "factor of the squared action in the cost"),
  reset_noise_scale: noiseScale(0.1),
  exclude_current_positions_from_observation: hiddenPositions("x and y"),
});

type Options = z.output<typeof options>;

/**
 * Three links swim in a viscous plane. Observation: [q2..q4, v0..v4], q0 and q1, the position of the first
 * link, being left out by default.
 *
 *     reward = w_f (x' - x) / dt - w_c |a|^2
 */
class SwimmerRules implements TaskRules {
  readonly observationSize: number;
  readonly memory = new Float64Array(2); // x and y after the last step
  readonly resetInfo = { x_position: 0, y_position: 0, distance_from_origin: 0 };
  readonly stepInfo = {
    x_position: 0,
    y_position: 0,
    distance_from_origin: 0,
    x_velocity: 0,
    y_velocity: 0,
    reward_forward: 0,
    reward_ctrl: 0,
  };
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
    const skip = options.exclude_current_positions_from_observation ? 2 : 0;
    this.#layout = { skip, velocityLimit: Number.POSITIVE_INFINITY };
    this.observationSize = simulation.model.nq + simulation.model.nv - skip;
  }

  drawStart(random: RandomStream): void {
    const scale = this.#options.reset_noise_scale;
    addUniform(this.#simulation.qpos, scale, random);
    addUniform(this.#simulation.qvel, scale, random);
  }

  begin(): void {
    const { qpos } = this.#simulation;
    this.memory[0] = qpos[0]!;
    this.memory[1] = qpos[1]!;
    writePosition(qpos, this.resetInfo);
  }

  observe(observation: Float64Array): void {
    writeState(this.#simulation, this.#layout, observation);
  }

  judge(ctrl: Float64Array): void {
    const { memory, stepInfo } = this;
    const { qpos } = this.#simulation;
    stepInfo.x_velocity = (qpos[0]! - memory[0]!) / this.#dt;
    stepInfo.y_velocity = (qpos[1]! - memory[1]!) / this.#dt;
    memory[0] = qpos[0]!;
    memory[1] = qpos[1]!;
    const forward = this.#options.forward_reward_weight * stepInfo.x_velocity;
    const cost = this.#options.ctrl_cost_weight * squaredNorm(ctrl);
    this.reward = forward - cost;
    writePosition(qpos, stepInfo);
    stepInfo.reward_forward = forward;
    stepInfo.reward_ctrl = -cost;
  }
}

export const swimmer: MujocoTask<typeof options> = {
  id: "Swimmer-v5",
  group: "gymnasium",
  mjcf: SWIMMER_MJCF,
  dt: 0.04,
  rewardThreshold: 360,
  rewardTerms: "forward velocity - 0.0001 |action|^2",
  source: "Gymnasium v5: gymnasium/envs/mujoco/swimmer_v5.py and assets/swimmer.xml",
  options,
  bind: (simulation, options, dt) => new SwimmerRules(simulation, options, dt),
};

/** The same. */
export const swimmerV4: MujocoTask<typeof options> = {
  ...swimmer,
  id: "Swimmer-v4",
  group: "gymnasium v4",
  source: "Gymnasium v4: gymnasium/envs/mujoco/swimmer_v4.py and assets/swimmer.xml",
};
