import { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import type { MujocoTask, TaskRules } from "../mujoco/task.ts";
import { weight } from "../options.ts";
import { INVERTED_DOUBLE_PENDULUM_MJCF } from "./models/inverted-double-pendulum.ts";
import { addNormal, addUniform, clip, noiseScale } from "./task-parts.ts";

const options = z.strictObject({
  ...commonOptions({ frameSkip: 5, maxEpisodeSteps: 1000 }),
  healthy_reward: weight(10, "reward for each step that leaves the poles up"),
  reset_noise_scale: noiseScale(0.1),
});

interface Settings {
  readonly healthy_reward: number;
  readonly reset_noise_scale: number;
  /** v4: observes the constraint forces of both hinges too, and pays for the step that falls. */
  readonly v4: boolean;
}

/** Height of the upper pole's tip in metres at which it has fallen. */
const MIN_HEIGHT = 1;
const LIMIT: readonly [number, number] = [-10, 10];

/**
 * A cart balances two poles, one on top of the other. Observation: [x, sines and cosines of the two
 * angles, velocities, constraint force on the cart], velocities and force within +-10. With the tip at
 * (x, y), which lags one evaluation behind,
 *
 *     reward = r_h [y > 1] - (0.01 x^2 + (y - 2)^2) - (0.001 v1^2 + 0.005 v2^2)
 */
class InvertedDoublePendulumRules implements TaskRules {
  readonly observationSize: number;
  readonly memory = new Float64Array(0);
  readonly resetInfo = {};
  readonly stepInfo = { reward_survive: 0, distance_penalty: 0, velocity_penalty: 0 };
  reward = 0;
  terminated = false;

  readonly #simulation: Simulation;
  readonly #settings: Settings;
  readonly #arrays: Readonly<Record<"site_xpos" | "qfrc_constraint", Float64Array>>;

  constructor(simulation: Simulation, settings: Settings) {
    this.#simulation = simulation;
    this.#settings = settings;
    this.#arrays = simulation.track("site_xpos", "qfrc_constraint");
    this.observationSize = settings.v4 ? 11 : 9;
  }

  drawStart(random: RandomStream): void {
    addUniform(this.#simulation.qpos, this.#settings.reset_noise_scale, random);
    addNormal(this.#simulation.qvel, this.#settings.reset_noise_scale, random);
  }

  begin(): void {}

  observe(observation: Float64Array): void {
    const { qpos, qvel } = this.#simulation;
    const { qfrc_constraint } = this.#arrays;
    observation[0] = qpos[0]!;
    observation[1] = Math.sin(qpos[1]!);
    observation[2] = Math.sin(qpos[2]!);
    observation[3] = Math.cos(qpos[1]!);
    observation[4] = Math.cos(qpos[2]!);
    for (let i = 0; i < 3; i++) observation[5 + i] = clip(qvel[i]!, LIMIT);
    const forces = this.observationSize - 8;
    for (let i = 0; i < forces; i++) observation[8 + i] = clip(qfrc_constraint[i]!, LIMIT);
  }

  judge(): void {
    const { stepInfo } = this;
    const { healthy_reward, v4 } = this.#settings;
    const { site_xpos } = this.#arrays;
    const { qvel } = this.#simulation;
    const x = site_xpos[0]!;
    const y = site_xpos[2]!;
    this.terminated = y <= MIN_HEIGHT;
    const distance = 0.01 * x ** 2 + (y - 2) ** 2;
    const velocity = 1e-3 * qvel[1]! ** 2 + 5e-3 * qvel[2]! ** 2;
    const survive = this.terminated && !v4 ? 0 : healthy_reward;
    this.reward = survive - distance - velocity;
    stepInfo.reward_survive = survive;
    stepInfo.distance_penalty = -distance;
    stepInfo.velocity_penalty = -velocity;
  }
}

export const invertedDoublePendulum: MujocoTask<typeof options> = {
  id: "InvertedDoublePendulum-v5",
  group: "gymnasium",
  mjcf: INVERTED_DOUBLE_PENDULUM_MJCF,
  dt: 0.05,
  rewardThreshold: 9100,
  rewardTerms:
    "10 while the tip is above 1 m - (0.01 x^2 + (y - 2)^2) of the tip - (0.001 v1^2 + 0.005 v2^2)",
  source:
    "Gymnasium v5: gymnasium/envs/mujoco/inverted_double_pendulum_v5.py and assets/inverted_double_pendulum.xml",
  options,
  bind: (simulation, options) =>
    new InvertedDoublePendulumRules(simulation, { ...options, v4: false }),
};

const optionsV4 = options.omit({ healthy_reward: true, reset_noise_scale: true });

/** Observes two forces more and pays for the step that falls. */
export const invertedDoublePendulumV4: MujocoTask<typeof optionsV4> = {
  ...invertedDoublePendulum,
  id: "InvertedDoublePendulum-v4",
  group: "gymnasium v4",
  rewardTerms: "10 - (0.01 x^2 + (y - 2)^2) of the tip - (0.001 v1^2 + 0.005 v2^2)",
  source:
    "Gymnasium v4: gymnasium/envs/mujoco/inverted_double_pendulum_v4.py and assets/inverted_double_pendulum.xml",
  options: optionsV4,
  bind: (simulation) =>
    new InvertedDoublePendulumRules(simulation, {
      healthy_reward: 10,
      reset_noise_scale: 0.1,
      v4: true,
    }),
};
