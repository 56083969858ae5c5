import { z } from "zod";
import { didYouMean } from "../../config/nearest.ts";
import { RunError } from "../../errors.ts";
import type { RandomStream } from "../../math/random.ts";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { forceStepping } from "../mujoco/stepping.ts";
import type { MujocoTask, TaskRules } from "../mujoco/task.ts";
import { interval, weight } from "../options.ts";
import { ANT_MJCF } from "./models/ant.ts";
import {
  addNormal,
  addUniform,
  clip,
  hiddenPositions,
  noiseScale,
  type StateLayout,
  squaredNorm,
  writePosition,
  writeState,
} from "./task-parts.ts";

const options = z.strictObject({
  ...commonOptions({ frameSkip: 5, maxEpisodeSteps: 1000 }),
  forward_reward_weight: weight(1, "factor of the forward velocity in the reward"),
  ctrl_cost_weight: weight(0.5, "factor of the squared action in the cost"),
  contact_cost_weight: weight(5e-4, "factor of the squared contact forces in the cost"),
  healthy_reward: weight(1, "reward for each step that ends healthy"),
  main_body: z
    .union([z.int().nonnegative(), z.string().min(1)], "must be the number or the name of a body")
    .default(1)
    .describe("number or name of the body whose velocity is rewarded"),
  terminate_when_unhealthy: z.boolean().default(true).describe("end the episode when it falls"),
  healthy_z_range: interval(0.2, 1, "healthy heights in metres"),
  contact_force_range: interval(-1, 1, "contact forces are clipped to it"),
  reset_noise_scale: noiseScale(0.1),
  exclude_current_positions_from_observation: hiddenPositions("x and y"),
  include_cfrc_ext_in_observation: z.boolean().default(true).describe("observe contact forces"),
});

interface Settings extends z.output<typeof options> {
  /** The first body whose contact forces are observed: v5 leaves out the world. */
  readonly firstBody: number;
  /** v4: pays for health on the step that ends it as well. */
  readonly paysFall: boolean;
}

const FREE: Pick<StateLayout, "velocityLimit"> = { velocityLimit: Number.POSITIVE_INFINITY };

/**
 * Four legs run. Observation: [q2.., v0.., clip(cfrc_ext) of every body but the world], x and y being left
 * out by default. Positions and forces of bodies are those of the last evaluation of the dynamics.
 *
 *     reward = w_f (x' - x) / dt + [healthy'] r_h - (w_c |a|^2 + w_k |clip(cfrc_ext)|^2)
 */
class AntRules implements TaskRules {
  readonly observationSize: number;
  readonly memory = new Float64Array(2); // x and y of the main body after the last step
  readonly resetInfo = { x_position: 0, y_position: 0, distance_from_origin: 0 };
  readonly stepInfo = {
    x_position: 0,
    y_position: 0,
    distance_from_origin: 0,
    x_velocity: 0,
    y_velocity: 0,
    reward_forward: 0,
    reward_ctrl: 0,
    reward_contact: 0,
    reward_survive: 0,
  };
  reward = 0;
  terminated = false;

  readonly #simulation: Simulation;
  readonly #settings: Settings;
  readonly #dt: number;
  readonly #layout: StateLayout;
  readonly #arrays: Readonly<Record<"xpos" | "cfrc_ext", Float64Array>>;
  /** Where the main body's position is in xpos. */
  readonly #mainBody: number;
  /** Where the observation's contact forces begin. */
  readonly #forcesAt: number;

  constructor(simulation: Simulation, settings: Settings, dt: number) {
    const { nq, nv, nbody } = simulation.model;
    this.#simulation = simulation;
    this.#settings = settings;
    this.#dt = dt;
    this.#arrays = simulation.track("xpos", "cfrc_ext");
    this.#mainBody = 3 * bodyIndex(simulation, settings.main_body);
    const skip = settings.exclude_current_positions_from_observation ? 2 : 0;
    this.#layout = { skip, ...FREE };
    this.#forcesAt = nq + nv - skip;
    const forces = settings.include_cfrc_ext_in_observation ? 6 * (nbody - settings.firstBody) : 0;
    this.observationSize = this.#forcesAt + forces;
  }

  drawStart(random: RandomStream): void {
    const scale = this.#settings.reset_noise_scale;
    addUniform(this.#simulation.qpos, scale, random);
    addNormal(this.#simulation.qvel, scale, random);
  }

  begin(): void {
    const { xpos } = this.#arrays;
    this.memory[0] = xpos[this.#mainBody]!;
    this.memory[1] = xpos[this.#mainBody + 1]!;
    writePosition(this.#simulation.qpos, this.resetInfo);
  }

  observe(observation: Float64Array): void {
    writeState(this.#simulation, this.#layout, observation);
    if (!this.#settings.include_cfrc_ext_in_observation) return;
    const { cfrc_ext } = this.#arrays;
    const range = this.#settings.contact_force_range;
    let at = this.#forcesAt;
    for (let i = 6 * this.#settings.firstBody; i < cfrc_ext.length; i++) {
      observation[at++] = clip(cfrc_ext[i]!, range);
    }
  }

  judge(ctrl: Float64Array): void {
    const { memory, stepInfo } = this;
    const settings = this.#settings;
    const { xpos } = this.#arrays;
    const x = xpos[this.#mainBody]!;
    const y = xpos[this.#mainBody + 1]!;
    stepInfo.x_velocity = (x - memory[0]!) / this.#dt;
    stepInfo.y_velocity = (y - memory[1]!) / this.#dt;
    memory[0] = x;
    memory[1] = y;
    const healthy = this.#isHealthy();
    const terminable = settings.terminate_when_unhealthy;
    const forward = settings.forward_reward_weight * stepInfo.x_velocity;
    const survive = healthy || (settings.paysFall && terminable) ? settings.healthy_reward : 0;
    const control = settings.ctrl_cost_weight * squaredNorm(ctrl);
    const contact = this.#contactCost();
    this.reward = forward + survive - (control + contact);
    this.terminated = terminable && !healthy;
    writePosition(this.#simulation.qpos, stepInfo);
    stepInfo.reward_forward = forward;
    stepInfo.reward_ctrl = -control;
    stepInfo.reward_contact = -contact;
    stepInfo.reward_survive = survive;
  }

  /** The state is finite, or the simulation would have reported it. */
  #isHealthy(): boolean {
    const z = this.#simulation.qpos[2]!;
    const [low, high] = this.#settings.healthy_z_range;
    return low <= z && z <= high;
  }

  #contactCost(): number {
    const { contact_cost_weight, contact_force_range } = this.#settings;
    const { cfrc_ext } = this.#arrays;
    let sum = 0;
    for (let i = 0; i < cfrc_ext.length; i++) sum += clip(cfrc_ext[i]!, contact_force_range) ** 2;
    return contact_cost_weight * sum;
  }
}

/** @throws RunError when the model has no such body. */
function bodyIndex(simulation: Simulation, body: number | string): number {
  const { nbody } = simulation.model;
  const at = typeof body === "number" ? body : simulation.indexOf("body", body);
  if (at >= 0 && at < nbody) return at;
  const names = simulation.namesOf("body");
  const guess = typeof body === "string" ? didYouMean(body, names) : "";
  throw new RunError(
    "CONFIG_INVALID",
    `main_body must be a body of the model, not ${JSON.stringify(body)}${guess}; they are ` +
      `0 to ${nbody - 1}: ${names.join(", ")}`,
  );
}

export const ant: MujocoTask<typeof options> = {
  id: "Ant-v5",
  group: "gymnasium",
  mjcf: ANT_MJCF,
  dt: 0.05,
  rewardThreshold: 6000,
  rewardTerms:
    "forward velocity + 1 while healthy - 0.5 |action|^2 - 0.0005 |contact forces clipped to +-1|^2",
  source: "Gymnasium v5: gymnasium/envs/mujoco/ant_v5.py and assets/ant.xml",
  options,
  stepping: forceStepping,
  bind: (simulation, options, dt) =>
    new AntRules(simulation, { ...options, firstBody: 1, paysFall: false }, dt),
};

const optionsV4 = options
  .omit({
    forward_reward_weight: true,
    main_body: true,
    include_cfrc_ext_in_observation: true,
  })
  .extend({
    use_contact_forces: z
      .boolean()
      .default(false)
      .describe("observe contact forces, those of the world too, and pay for them"),
  });

/** Without contact forces by default; pays for health on the step that ends it as well. */
export const antV4: MujocoTask<typeof optionsV4> = {
  ...ant,
  id: "Ant-v4",
  group: "gymnasium v4",
  rewardTerms: "forward velocity + 1 - 0.5 |action|^2",
  source: "Gymnasium v4: gymnasium/envs/mujoco/ant_v4.py and assets/ant.xml",
  options: optionsV4,
  bind: (simulation, { use_contact_forces, ...options }, dt) => {
    const settings = {
      ...options,
      forward_reward_weight: 1,
      main_body: "torso",
      include_cfrc_ext_in_observation: use_contact_forces,
      contact_cost_weight: use_contact_forces ? options.contact_cost_weight : 0,
      firstBody: 0,
      paysFall: true,
    };
    return new AntRules(simulation, settings, dt);
  },
};
