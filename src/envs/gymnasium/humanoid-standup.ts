import { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { forceStepping } from "../mujoco/stepping.ts";
import type { InfoBuffer, MujocoTask, TaskRules } from "../mujoco/task.ts";
import { interval, weight } from "../options.ts";
import {
  type HumanoidLayout,
  HumanoidObservation,
  OBSERVED_V4,
  observationOptions,
} from "./humanoid-observation.ts";
import { HUMANOID_STANDUP_MJCF } from "./models/humanoid.ts";
import { addUniform, clip, noiseScale, squaredNorm, TendonInfo } from "./task-parts.ts";

const options = z.strictObject({
  ...commonOptions({ frameSkip: 5, maxEpisodeSteps: 1000 }),
  uph_cost_weight: weight(1, "without effect, as in Gymnasium"),
  ctrl_cost_weight: weight(0.1, "factor of the squared action in the cost"),
  impact_cost_weight: weight(5e-7, "factor of the squared contact forces in the cost"),
  impact_cost_range: interval(Number.NEGATIVE_INFINITY, 10, "the impact cost is clipped to it"),
  reset_noise_scale: noiseScale(1e-2),
  ...observationOptions,
});

type Options = z.output<typeof options>;

/**
 * A humanoid that lies on its back stands up. The height is divided by the timestep, not by the seconds of
 * a step; so does Gymnasium, whatever its documentation says.
 *
 *     reward = z' / timestep - w_c |ctrl|^2 - clip(w_k |cfrc_ext|^2) + 1
 */
class HumanoidStandupRules implements TaskRules {
  readonly observationSize: number;
  readonly memory = new Float64Array(0);
  readonly resetInfo: InfoBuffer;
  readonly stepInfo: InfoBuffer;
  reward = 0;
  readonly terminated = false;

  readonly #simulation: Simulation;
  readonly #options: Options;
  readonly #observation: HumanoidObservation;
  readonly #tendons: TendonInfo;
  readonly #arrays: Readonly<Record<"cfrc_ext", Float64Array>>;
  /** Height in the model's reference pose. */
  readonly #initialZ: number;

  constructor(simulation: Simulation, options: Options & HumanoidLayout) {
    this.#simulation = simulation;
    this.#options = options;
    this.#observation = new HumanoidObservation(simulation, options);
    this.observationSize = this.#observation.size;
    this.#tendons = new TendonInfo(simulation);
    this.#arrays = simulation.track("cfrc_ext");
    this.#initialZ = simulation.qpos[2]!;
    const position = { x_position: 0, y_position: 0, z_distance_from_origin: 0 };
    this.resetInfo = { ...position, ...this.#tendons.names };
    this.stepInfo = { ...this.resetInfo, reward_linup: 0, reward_quadctrl: 0, reward_impact: 0 };
  }

  drawStart(random: RandomStream): void {
    const scale = this.#options.reset_noise_scale;
    addUniform(this.#simulation.qpos, scale, random);
    addUniform(this.#simulation.qvel, scale, random);
  }

  begin(): void {
    this.#writePosition(this.resetInfo);
  }

  observe(observation: Float64Array): void {
    this.#observation.write(observation);
  }

  judge(ctrl: Float64Array): void {
    const { stepInfo } = this;
    const { ctrl_cost_weight, impact_cost_weight, impact_cost_range } = this.#options;
    const up = this.#simulation.qpos[2]! / this.#simulation.timestep;
    const control = ctrl_cost_weight * squaredNorm(ctrl);
    const forces = squaredNorm(this.#arrays.cfrc_ext);
    const impact = clip(impact_cost_weight * forces, impact_cost_range);
    this.reward = up - control - impact + 1;
    this.#writePosition(stepInfo);
    stepInfo["reward_linup"] = up;
    stepInfo["reward_quadctrl"] = -control;
    stepInfo["reward_impact"] = -impact;
  }

  #writePosition(info: InfoBuffer): void {
    const { qpos } = this.#simulation;
    info["x_position"] = qpos[0]!;
    info["y_position"] = qpos[1]!;
    info["z_distance_from_origin"] = qpos[2]! - this.#initialZ;
    this.#tendons.write(info);
  }
}

export const humanoidStandup: MujocoTask<typeof options> = {
  id: "HumanoidStandup-v5",
  group: "gymnasium",
  mjcf: HUMANOID_STANDUP_MJCF,
  dt: 0.015,
  rewardThreshold: null,
  rewardTerms: "height / 0.003 s - 0.1 |action|^2 - min(10, 5e-7 |contact forces|^2) + 1",
  source:
    "Gymnasium v5: gymnasium/envs/mujoco/humanoidstandup_v5.py and assets/humanoidstandup.xml",
  options,
  stepping: forceStepping,
  bind: (simulation, options) =>
    new HumanoidStandupRules(simulation, { ...options, wholeRows: false }),
};

const optionsV4 = options.pick({ xml_file: true, frame_skip: true, max_episode_steps: true });

/** Observes 28 zeros more. */
export const humanoidStandupV4: MujocoTask<typeof optionsV4> = {
  ...humanoidStandup,
  id: "HumanoidStandup-v4",
  group: "gymnasium v4",
  source:
    "Gymnasium v4: gymnasium/envs/mujoco/humanoidstandup_v4.py and assets/humanoidstandup.xml",
  options: optionsV4,
  bind: (simulation, given) =>
    new HumanoidStandupRules(simulation, { ...options.parse(given), ...OBSERVED_V4 }),
};
