import type { RandomStream } from "../../math/random.ts";
import type { Simulation } from "../mujoco/engine.ts";
import type { TaskRules } from "../mujoco/task.ts";
import { addUniform, type StateLayout, squaredNorm, writeState } from "./task-parts.ts";

/** Options common to Hopper and Walker2d. */
export interface PlanarLegsOptions {
  readonly forward_reward_weight: number;
  readonly ctrl_cost_weight: number;
  readonly healthy_reward: number;
  readonly terminate_when_unhealthy: boolean;
  readonly reset_noise_scale: number;
  readonly exclude_current_positions_from_observation: boolean;
}

export interface PlanarLegsParts {
  readonly simulation: Simulation;
  readonly options: PlanarLegsOptions;
  /** Seconds per step. */
  readonly dt: number;
  /** v4: pays for health on the step that ends it as well. */
  readonly paysFall: boolean;
  /** Whether the body still stands. */
  isHealthy(simulation: Simulation): boolean;
}

/**
 * A planar body with legs (qpos = [x, z, pitch, joints..]) walks without falling: Hopper, Walker2d.
 * Observation: [q1.., clip(v0.., -10, 10)], x being left out by default.
 *
 *     reward = w_f (x' - x) / dt + (healthy' ? r_h : 0) - w_c |a|^2
 */
export class PlanarLegsRules implements TaskRules {
  readonly observationSize: number;
  readonly memory = new Float64Array(1); // x after the last step
  readonly resetInfo = { x_position: 0, z_distance_from_origin: 0 };
  readonly stepInfo = {
    x_position: 0,
    z_distance_from_origin: 0,
    x_velocity: 0,
    reward_forward: 0,
    reward_ctrl: 0,
    reward_survive: 0,
  };
  reward = 0;
  terminated = false;

  readonly #parts: PlanarLegsParts;
  readonly #layout: StateLayout;
  /** Height in the model's reference pose. */
  readonly #initialZ: number;

  constructor(parts: PlanarLegsParts) {
    this.#parts = parts;
    const { model, qpos } = parts.simulation;
    const skip = parts.options.exclude_current_positions_from_observation ? 1 : 0;
    this.#layout = { skip, velocityLimit: 10 };
    this.observationSize = model.nq + model.nv - skip;
    this.#initialZ = qpos[1]!;
  }

  drawStart(random: RandomStream): void {
    const { simulation, options } = this.#parts;
    addUniform(simulation.qpos, options.reset_noise_scale, random);
    addUniform(simulation.qvel, options.reset_noise_scale, random);
  }

  begin(): void {
    const { qpos } = this.#parts.simulation;
    this.memory[0] = qpos[0]!;
    this.resetInfo.x_position = qpos[0]!;
    this.resetInfo.z_distance_from_origin = qpos[1]! - this.#initialZ;
  }

  observe(observation: Float64Array): void {
    writeState(this.#parts.simulation, this.#layout, observation);
  }

  judge(ctrl: Float64Array): void {
    const { simulation, options, dt, paysFall } = this.#parts;
    const { memory, stepInfo } = this;
    const x = simulation.qpos[0]!;
    const velocity = (x - memory[0]!) / dt;
    memory[0] = x;
    const healthy = this.#parts.isHealthy(simulation);
    const forward = options.forward_reward_weight * velocity;
    const paid = healthy || (paysFall && options.terminate_when_unhealthy);
    const survive = paid ? options.healthy_reward : 0;
    const cost = options.ctrl_cost_weight * squaredNorm(ctrl);
    this.reward = forward + survive - cost;
    this.terminated = options.terminate_when_unhealthy && !healthy;
    stepInfo.x_position = x;
    stepInfo.z_distance_from_origin = simulation.qpos[1]! - this.#initialZ;
    stepInfo.x_velocity = velocity;
    stepInfo.reward_forward = forward;
    stepInfo.reward_ctrl = -cost;
    stepInfo.reward_survive = survive;
  }
}
