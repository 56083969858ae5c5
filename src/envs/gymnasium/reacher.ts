import { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { indexOf } from "../mujoco/rows.ts";
import type { MujocoTask, TaskRules } from "../mujoco/task.ts";
import { weight } from "../options.ts";
import { REACHER_MJCF } from "./models/reacher.ts";
import { addUniform, distance3, squaredNorm } from "./task-parts.ts";

const options = z.strictObject({
  ...commonOptions({ frameSkip: 2, maxEpisodeSteps: 50 }),
  reward_dist_weight: weight(1, "factor of the distance to the target"),
  reward_control_weight: weight(1, "factor of the squared action in the cost"),
});

type Options = z.output<typeof options>;

/** Metres from the centre within which targets lie. */
const TARGET_RADIUS = 0.2;

interface Settings extends Options {
  /** v4: pays for the distance before the step, and observes that it lies in the plane. */
  readonly v4: boolean;
}

/**
 * An arm of two links reaches for a target in the plane. Observation: [cosines and sines of both angles,
 * target x and y, angular velocities, x and y from target to fingertip].
 *
 *     reward = -w_d |fingertip' - target| - w_c |a|^2
 */
class ReacherRules implements TaskRules {
  readonly observationSize: number;
  readonly memory = new Float64Array(1); // distance to the target after the last step
  readonly resetInfo = {};
  readonly stepInfo = { reward_dist: 0, reward_ctrl: 0 };
  reward = 0;
  readonly terminated = false;

  readonly #simulation: Simulation;
  readonly #settings: Settings;
  readonly #arrays: Readonly<Record<"xpos", Float64Array>>;
  /** Where the bodies' positions are in xpos. */
  readonly #fingertip: number;
  readonly #target: number;

  constructor(simulation: Simulation, settings: Settings) {
    this.#simulation = simulation;
    this.#settings = settings;
    this.#arrays = simulation.track("xpos");
    this.#fingertip = 3 * indexOf(simulation, "body", "fingertip");
    this.#target = 3 * indexOf(simulation, "body", "target");
    this.observationSize = settings.v4 ? 11 : 10;
  }

  drawStart(random: RandomStream): void {
    const { qpos, qvel } = this.#simulation;
    addUniform(qpos, 0.1, random);
    do {
      qpos[2] = random.uniformBetween(-TARGET_RADIUS, TARGET_RADIUS);
      qpos[3] = random.uniformBetween(-TARGET_RADIUS, TARGET_RADIUS);
    } while (Math.hypot(qpos[2], qpos[3]) >= TARGET_RADIUS);
    addUniform(qvel, 0.005, random);
    qvel.fill(0, 2);
  }

  begin(): void {
    this.memory[0] = this.#distance();
  }

  observe(observation: Float64Array): void {
    const { qpos, qvel } = this.#simulation;
    const { xpos } = this.#arrays;
    observation[0] = Math.cos(qpos[0]!);
    observation[1] = Math.cos(qpos[1]!);
    observation[2] = Math.sin(qpos[0]!);
    observation[3] = Math.sin(qpos[1]!);
    observation[4] = qpos[2]!;
    observation[5] = qpos[3]!;
    observation[6] = qvel[0]!;
    observation[7] = qvel[1]!;
    const axes = this.observationSize - 8;
    for (let i = 0; i < axes; i++) {
      observation[8 + i] = xpos[this.#fingertip + i]! - xpos[this.#target + i]!;
    }
  }

  judge(ctrl: Float64Array): void {
    const { memory, stepInfo } = this;
    const { reward_dist_weight, reward_control_weight, v4 } = this.#settings;
    const after = this.#distance();
    stepInfo.reward_dist = -(v4 ? memory[0]! : after) * reward_dist_weight;
    stepInfo.reward_ctrl = -squaredNorm(ctrl) * reward_control_weight;
    this.reward = stepInfo.reward_dist + stepInfo.reward_ctrl;
    memory[0] = after;
  }

  #distance(): number {
    return distance3(this.#arrays.xpos, this.#fingertip, this.#target);
  }
}

export const reacher: MujocoTask<typeof options> = {
  id: "Reacher-v5",
  group: "gymnasium",
  mjcf: REACHER_MJCF,
  dt: 0.02,
  rewardThreshold: -3.75,
  rewardTerms: "-|fingertip - target| - |action|^2",
  source: "Gymnasium v5: gymnasium/envs/mujoco/reacher_v5.py and assets/reacher.xml",
  options,
  bind: (simulation, options) => new ReacherRules(simulation, { ...options, v4: false }),
};

const optionsV4 = options.omit({ reward_dist_weight: true, reward_control_weight: true });

/** Pays for the distance before the step and observes the third coordinate of it. */
export const reacherV4: MujocoTask<typeof optionsV4> = {
  ...reacher,
  id: "Reacher-v4",
  group: "gymnasium v4",
  rewardTerms: "-|fingertip - target| before the step - |action|^2",
  source: "Gymnasium v4: gymnasium/envs/mujoco/reacher_v4.py and assets/reacher.xml",
  options: optionsV4,
  bind: (simulation, options) =>
    new ReacherRules(simulation, {
      ...options,
      reward_dist_weight: 1,
      reward_control_weight: 1,
      v4: true,
    }),
};
