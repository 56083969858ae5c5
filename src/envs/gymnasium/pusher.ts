import { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { indexOf } from "../mujoco/rows.ts";
import type { MujocoTask, TaskRules } from "../mujoco/task.ts";
import { weight } from "../options.ts";
import { PUSHER_MJCF } from "./models/pusher.ts";
import { addUniform, distance3, squaredNorm } from "./task-parts.ts";

const options = z.strictObject({
  ...commonOptions({ frameSkip: 5, maxEpisodeSteps: 100 }),
  reward_near_weight: weight(0.5, "factor of the distance between arm and object"),
  reward_dist_weight: weight(1, "factor of the distance between object and goal"),
  reward_control_weight: weight(0.1, "factor of the squared action in the cost"),
});

type Options = z.output<typeof options>;

interface Settings extends Options {
  /** v4: pays for the distances before the step. */
  readonly v4: boolean;
}

/** Joints of the arm. */
const ARM = 7;
/** Objects start at least this far from the goal, in metres. */
const MIN_DISTANCE = 0.17;

/**
 * An arm pushes an object to a goal. Observation: [the arm's 7 positions and 7 velocities, then where the
 * tips of the arm, the object and the goal are].
 *
 *     reward = -w_d |object' - goal| - w_c |a|^2 - w_n |object' - tips'|
 */
class PusherRules implements TaskRules {
  readonly observationSize = 2 * ARM + 9;
  readonly memory = new Float64Array(2); // object to goal and object to tips, after the last step
  readonly resetInfo = {};
  readonly stepInfo = { reward_dist: 0, reward_ctrl: 0, reward_near: 0 };
  reward = 0;
  readonly terminated = false;

  readonly #simulation: Simulation;
  readonly #settings: Settings;
  readonly #arrays: Readonly<Record<"xpos", Float64Array>>;
  /** Where the bodies' positions are in xpos. */
  readonly #tips: number;
  readonly #object: number;
  readonly #goal: number;

  constructor(simulation: Simulation, settings: Settings) {
    this.#simulation = simulation;
    this.#settings = settings;
    this.#arrays = simulation.track("xpos");
    this.#tips = 3 * indexOf(simulation, "body", "tips_arm");
    this.#object = 3 * indexOf(simulation, "body", "object");
    this.#goal = 3 * indexOf(simulation, "body", "goal");
  }

  drawStart(random: RandomStream): void {
    const { qpos, qvel } = this.#simulation;
    // The first of the object's slides is that along y.
    do {
      qpos[ARM] = random.uniformBetween(-0.3, 0);
      qpos[ARM + 1] = random.uniformBetween(-0.2, 0.2);
    } while (Math.hypot(qpos[ARM], qpos[ARM + 1]!) <= MIN_DISTANCE);
    qpos.fill(0, ARM + 2);
    addUniform(qvel, 0.005, random);
    qvel.fill(0, ARM);
  }

  begin(): void {
    this.#remember();
  }

  observe(observation: Float64Array): void {
    const { qpos, qvel } = this.#simulation;
    const { xpos } = this.#arrays;
    for (let i = 0; i < ARM; i++) observation[i] = qpos[i]!;
    for (let i = 0; i < ARM; i++) observation[ARM + i] = qvel[i]!;
    for (let i = 0; i < 3; i++) {
      observation[14 + i] = xpos[this.#tips + i]!;
      observation[17 + i] = xpos[this.#object + i]!;
      observation[20 + i] = xpos[this.#goal + i]!;
    }
  }

  judge(ctrl: Float64Array): void {
    const { memory, stepInfo } = this;
    const { reward_dist_weight, reward_near_weight, reward_control_weight, v4 } = this.#settings;
    if (!v4) this.#remember();
    stepInfo.reward_dist = -memory[0]! * reward_dist_weight;
    stepInfo.reward_ctrl = -squaredNorm(ctrl) * reward_control_weight;
    stepInfo.reward_near = -memory[1]! * reward_near_weight;
    this.reward = stepInfo.reward_dist + stepInfo.reward_ctrl + stepInfo.reward_near;
    if (v4) this.#remember();
  }

  #remember(): void {
    const { xpos } = this.#arrays;
    this.memory[0] = distance3(xpos, this.#object, this.#goal);
    this.memory[1] = distance3(xpos, this.#object, this.#tips);
  }
}

export const pusher: MujocoTask<typeof options> = {
  id: "Pusher-v5",
  group: "gymnasium",
  mjcf: PUSHER_MJCF,
  dt: 0.05,
  rewardThreshold: 0,
  rewardTerms: "-|object - goal| - 0.1 |action|^2 - 0.5 |object - tips of the arm|",
  source: "Gymnasium v5: gymnasium/envs/mujoco/pusher_v5.py and assets/pusher_v5.xml",
  options,
  bind: (simulation, options) => new PusherRules(simulation, { ...options, v4: false }),
};

const optionsV4 = options.omit({
  reward_near_weight: true,
  reward_dist_weight: true,
  reward_control_weight: true,
});

/**
 * Pays for the distances before the step. The model is that of v5: the object of v4's is too light for
 * MuJoCo 3, with which Gymnasium refuses to make Pusher-v4.
 */
export const pusherV4: MujocoTask<typeof optionsV4> = {
  ...pusher,
  id: "Pusher-v4",
  group: "gymnasium v4",
  rewardTerms:
    "-|object - goal| - 0.1 |action|^2 - 0.5 |object - tips of the arm|, before the step",
  source: "Gymnasium v4: gymnasium/envs/mujoco/pusher_v4.py, but with assets/pusher_v5.xml",
  options: optionsV4,
  bind: (simulation, options) =>
    new PusherRules(simulation, {
      ...options,
      reward_near_weight: 0.5,
      reward_dist_weight: 1,
      reward_control_weight: 0.1,
      v4: true,
    }),
};
