import { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import type { MujocoTask, TaskRules } from "../mujoco/task.ts";
import { INVERTED_PENDULUM_MJCF } from "./models/inverted-pendulum.ts";
import { addUniform, noiseScale, type StateLayout, writeState } from "./task-parts.ts";

const options = z.strictObject({
  ...commonOptions({ frameSkip: 2, maxEpisodeSteps: 1000 }),
  reset_noise_scale: noiseScale(0.01),
});

/** Pole angle in radians beyond which it has fallen. */
const MAX_ANGLE = 0.2;
const LAYOUT: StateLayout = { skip: 0, velocityLimit: Number.POSITIVE_INFINITY };

/** A cart balances a pole: 1 for each step that leaves it up. Observation: [x, angle, and their velocities]. */
class InvertedPendulumRules implements TaskRules {
  readonly observationSize: number;
  readonly memory = new Float64Array(0);
  readonly resetInfo = {};
  readonly stepInfo = { reward_survive: 0 };
  reward = 0;
  terminated = false;

  readonly #simulation: Simulation;
  readonly #noise: number;
  readonly #paysFall: boolean;

  /** @param settings paysFall: v4, which pays for the step that falls too. */
  constructor(simulation: Simulation, settings: { noise: number; paysFall: boolean }) {
    this.#simulation = simulation;
    this.#noise = settings.noise;
    this.#paysFall = settings.paysFall;
    this.observationSize = simulation.model.nq + simulation.model.nv;
  }

  drawStart(random: RandomStream): void {
    addUniform(this.#simulation.qpos, this.#noise, random);
    addUniform(this.#simulation.qvel, this.#noise, random);
  }

  begin(): void {}

  observe(observation: Float64Array): void {
    writeState(this.#simulation, LAYOUT, observation);
  }

  judge(): void {
    // A state that is not finite never gets here: the simulation reports it.
    this.terminated = Math.abs(this.#simulation.qpos[1]!) > MAX_ANGLE;
    this.reward = this.terminated && !this.#paysFall ? 0 : 1;
    this.stepInfo.reward_survive = this.reward;
  }
}

export const invertedPendulum: MujocoTask<typeof options> = {
  id: "InvertedPendulum-v5",
  group: "gymnasium",
  mjcf: INVERTED_PENDULUM_MJCF,
  dt: 0.04,
  rewardThreshold: 950,
  rewardTerms: "1 while the pole is within 0.2 rad",
  source:
    "Gymnasium v5: gymnasium/envs/mujoco/inverted_pendulum_v5.py and assets/inverted_pendulum.xml",
  options,
  bind: (simulation, { reset_noise_scale: noise }) =>
    new InvertedPendulumRules(simulation, { noise, paysFall: false }),
};

const optionsV4 = options.omit({ reset_noise_scale: true });

/** Pays for the step that falls too. */
export const invertedPendulumV4: MujocoTask<typeof optionsV4> = {
  ...invertedPendulum,
  id: "InvertedPendulum-v4",
  group: "gymnasium v4",
  rewardTerms: "1",
  source:
    "Gymnasium v4: gymnasium/envs/mujoco/inverted_pendulum_v4.py and assets/inverted_pendulum.xml",
  options: optionsV4,
  bind: (simulation) => new InvertedPendulumRules(simulation, { noise: 0.01, paysFall: true }),
};
