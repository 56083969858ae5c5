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
import { HUMANOID_MJCF } from "./models/humanoid.ts";
import {
  addUniform,
  clip,
  MassCentre,
  noiseScale,
  squaredNorm,
  strictlyInside,
  TendonInfo,
  writePosition,
} from "./task-parts.ts";

const options = z.strictObject({
  ...commonOptions({ frameSkip: 5, maxEpisodeSteps: 1000 }),
  forward_reward_weight: weight(1.25, "factor of the forward velocity in the reward"),
  ctrl_cost_weight: weight(0.1, "factor of the squared action in the cost"),
  contact_cost_weight: weight(5e-7, "factor of the squared contact forces in the cost"),
  contact_cost_range: interval(Number.NEGATIVE_INFINITY, 10, "the contact cost is clipped to it"),
  healthy_reward: weight(5, "reward for each step that ends healthy"),
  terminate_when_unhealthy: z.boolean().default(true).describe("end the episode when it falls"),
  healthy_z_range: interval(1, 2, "healthy heights in metres"),
  reset_noise_scale: noiseScale(1e-2),
  ...observationOptions,
});

interface Settings extends z.output<typeof options>, HumanoidLayout {
  /** v4: pays for health on the step that ends it as well. */
  readonly paysFall: boolean;
}

/**
 * A humanoid walks. With x the whole body's centre of mass at the last evaluation of the dynamics,
 *
 *     reward = w_f (x' - x) / dt + [healthy'] r_h - (w_c |ctrl|^2 + clip(w_k |cfrc_ext|^2))
 */
class HumanoidRules implements TaskRules {
  readonly observationSize: number;
  readonly memory = new Float64Array(2); // x and y of the centre of mass after the last step
  readonly resetInfo: InfoBuffer;
  readonly stepInfo: InfoBuffer;
  reward = 0;
  terminated = false;

  readonly #simulation: Simulation;
  readonly #settings: Settings;
  readonly #dt: number;
  readonly #observation: HumanoidObservation;
  readonly #centre: MassCentre;
  readonly #tendons: TendonInfo;
  readonly #arrays: Readonly<Record<"cfrc_ext", Float64Array>>;

  constructor(simulation: Simulation, settings: Settings, dt: number) {
    this.#simulation = simulation;
    this.#settings = settings;
    this.#dt = dt;
    this.#observation = new HumanoidObservation(simulation, settings);
    this.observationSize = this.#observation.size;
    this.#centre = new MassCentre(simulation);
    this.#tendons = new TendonInfo(simulation);
    this.#arrays = simulation.track("cfrc_ext");
    const position = { x_position: 0, y_position: 0, distance_from_origin: 0 };
    this.resetInfo = { ...position, ...this.#tendons.names };
    this.stepInfo = {
      ...this.resetInfo,
      x_velocity: 0,
      y_velocity: 0,
      reward_forward: 0,
      reward_ctrl: 0,
      reward_contact: 0,
      reward_survive: 0,
    };
  }

  drawStart(random: RandomStream): void {
    const scale = this.#settings.reset_noise_scale;
    addUniform(this.#simulation.qpos, scale, random);
    addUniform(this.#simulation.qvel, scale, random);
  }

  begin(): void {
    this.memory[0] = this.#centre.along(0);
    this.memory[1] = this.#centre.along(1);
    writePosition(this.#simulation.qpos, this.resetInfo);
    this.#tendons.write(this.resetInfo);
  }

  observe(observation: Float64Array): void {
    this.#observation.write(observation);
  }

  judge(ctrl: Float64Array): void {
    const { memory, stepInfo } = this;
    const settings = this.#settings;
    const z = this.#simulation.qpos[2]!;
    const x = this.#centre.along(0);
    const y = this.#centre.along(1);
    const velocity = (x - memory[0]!) / this.#dt;
    stepInfo["x_velocity"] = velocity;
    stepInfo["y_velocity"] = (y - memory[1]!) / this.#dt;
    memory[0] = x;
    memory[1] = y;
    const healthy = strictlyInside(z, settings.healthy_z_range);
    const terminable = settings.terminate_when_unhealthy;
    const forward = settings.forward_reward_weight * velocity;
    const survive = healthy || (settings.paysFall && terminable) ? settings.healthy_reward : 0;
    const control = settings.ctrl_cost_weight * squaredNorm(ctrl);
    const forces = squaredNorm(this.#arrays.cfrc_ext);
    const contact = clip(settings.contact_cost_weight * forces, settings.contact_cost_range);
    this.reward = forward + survive - (control + contact);
    this.terminated = terminable && !healthy;
    writePosition(this.#simulation.qpos, stepInfo);
    this.#tendons.write(stepInfo);
    stepInfo["reward_forward"] = forward;
    stepInfo["reward_ctrl"] = -control;
    stepInfo["reward_contact"] = -contact;
    stepInfo["reward_survive"] = survive;
  }
}

export const humanoid: MujocoTask<typeof options> = {
  id: "Humanoid-v5",
  group: "gymnasium",
  mjcf: HUMANOID_MJCF,
  dt: 0.015,
  rewardThreshold: null,
  rewardTerms:
    "1.25 forward velocity + 5 while healthy - 0.1 |action|^2 - min(10, 5e-7 |contact forces|^2)",
  source: "Gymnasium v5: gymnasium/envs/mujoco/humanoid_v5.py and assets/humanoid.xml",
  options,
  stepping: forceStepping,
  bind: (simulation, options, dt) =>
    new HumanoidRules(simulation, { ...options, wholeRows: false, paysFall: false }, dt),
};

const optionsV4 = options.omit({
  contact_cost_weight: true,
  contact_cost_range: true,
  include_cinert_in_observation: true,
  include_cvel_in_observation: true,
  include_qfrc_actuator_in_observation: true,
  include_cfrc_ext_in_observation: true,
});

/** Observes 28 zeros more, costs no contact, pays for health on the step that ends it as well. */
export const humanoidV4: MujocoTask<typeof optionsV4> = {
  ...humanoid,
  id: "Humanoid-v4",
  group: "gymnasium v4",
  rewardTerms: "1.25 forward velocity + 5 - 0.1 |action|^2",
  source: "Gymnasium v4: gymnasium/envs/mujoco/humanoid_v4.py and assets/humanoid.xml",
  options: optionsV4,
  bind: (simulation, options, dt) => {
    const settings = {
      ...options,
      ...OBSERVED_V4,
      contact_cost_weight: 0,
      contact_cost_range: [0, 0] as [number, number],
      paysFall: true,
    };
    return new HumanoidRules(simulation, settings, dt);
  },
};
