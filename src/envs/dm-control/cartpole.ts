import { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { synchronisedStepping } from "../mujoco/stepping.ts";
import type { InfoBuffer, MujocoTask, TaskRules } from "../mujoco/task.ts";
import { CARTPOLE_MJCF } from "./models/cartpole.ts";
import { tolerance } from "./tolerance.ts";

const options = z.strictObject(commonOptions({ frameSkip: 1, maxEpisodeSteps: 1000 }));

/** Bodies before the first pole: the world and the cart. Every body after them is a pole. */
const FIRST_POLE = 2;
/** Where xz and zz are in a body's row-major rotation matrix. */
const [XZ, ZZ] = [2, 8];

/** Writes start positions: [slider, hinges]. */
type Start = (qpos: Float64Array, random: RandomStream) => void;
/** Computes a reward from the observation, [slider, (zz, xz) of each pole, velocities]. */
type Judge = (parts: CartpoleView, info: InfoBuffer) => number;

/** What the rewards are made of. */
interface CartpoleView {
  readonly slider: number;
  /** Cosines of the poles' angles to the vertical. */
  readonly uprights: Float64Array;
  readonly velocities: Float64Array;
  /** Unclipped. */
  readonly control: number;
}

const balanced: Start = (qpos, random) => {
  qpos[0] = random.uniformBetween(-0.1, 0.1);
  for (let i = 1; i < qpos.length; i++) qpos[i] = random.uniformBetween(-0.034, 0.034);
};

const hanging: Start = (qpos, random) => {
  qpos[0] = 0.01 * random.normal();
  qpos[1] = Math.PI + 0.01 * random.normal();
  for (let i = 2; i < qpos.length; i++) qpos[i] = 0.1 * random.normal();
};

const centred = tolerance({ margin: 2 });
const quiet = tolerance({ margin: 1, shape: "quadratic", valueAtMargin: 0 });
const slow = tolerance({ margin: 5 });

/** upright * centered * small_control * small_velocity, each in [0, 1]. */
const smooth: Judge = ({ slider, uprights, velocities, control }, info) => {
  let upright = 0;
  for (const cosine of uprights) upright += (cosine + 1) / 2;
  let calm = 1;
  for (let i = 1; i < velocities.length; i++) calm = Math.min(calm, slow(velocities[i]!));
  info["upright"] = upright / uprights.length;
  info["centered"] = (1 + centred(slider)) / 2;
  info["small_control"] = (4 + quiet(control)) / 5;
  info["small_velocity"] = (1 + calm) / 2;
  return info["upright"] * info["small_control"] * info["small_velocity"] * info["centered"];
};

const inTheMiddle = tolerance({ bounds: [-0.25, 0.25] });
const standing = tolerance({ bounds: [0.995, 1] });

/** 1 while the cart is in the middle and every pole stands, else 0. */
const sparse: Judge = ({ slider, uprights }, info) => {
  let upright = 1;
  for (const cosine of uprights) upright *= standing(cosine);
  info["upright"] = upright;
  info["centered"] = inTheMiddle(slider);
  return upright * info["centered"];
};

/** A cart on a rail swings up a pole that hangs on it, or keeps it up. Episodes end by time alone. */
class CartpoleRules implements TaskRules {
  readonly observationSize: number;
  readonly memory = new Float64Array(0);
  readonly resetInfo = {};
  readonly stepInfo: InfoBuffer = {};
  readonly terminated = false;
  reward = 0;

  readonly #simulation: Simulation;
  readonly #start: Start;
  readonly #judge: Judge;
  readonly #uprights: Float64Array;

  constructor(simulation: Simulation, start: Start, judge: Judge) {
    const { nv, nbody } = simulation.model;
    const poles = nbody - FIRST_POLE;
    this.#simulation = simulation;
    this.#start = start;
    this.#judge = judge;
    this.#uprights = new Float64Array(poles);
    this.observationSize = 1 + 2 * poles + nv;
  }

  drawStart(random: RandomStream): void {
    const { qpos, qvel } = this.#simulation;
    this.#start(qpos, random);
    for (let i = 0; i < qvel.length; i++) qvel[i] = 0.01 * random.normal();
  }

  begin(): void {}

  observe(observation: Float64Array): void {
    const { qpos, qvel, data } = this.#simulation;
    const rotations: Float64Array = data.xmat;
    const poles = this.#uprights.length;
    observation[0] = qpos[0]!;
    for (let pole = 0; pole < poles; pole++) {
      const at = 9 * (FIRST_POLE + pole);
      this.#uprights[pole] = rotations[at + ZZ]!;
      observation[1 + 2 * pole] = rotations[at + ZZ]!;
      observation[2 + 2 * pole] = rotations[at + XZ]!;
    }
    observation.set(qvel, 1 + 2 * poles);
  }

  judge(ctrl: Float64Array): void {
    const { qpos, qvel } = this.#simulation;
    const view = {
      slider: qpos[0]!,
      uprights: this.#uprights,
      velocities: qvel,
      control: ctrl[0]!,
    };
    this.reward = this.#judge(view, this.stepInfo);
  }
}

function cartpole(name: string, start: Start, judge: Judge): MujocoTask<typeof options> {
  return {
    id: `dm_control/cartpole-${name}`,
    group: "dm_control",
    mjcf: CARTPOLE_MJCF,
    dt: 0.01,
    rewardThreshold: null,
    rewardTerms:
      judge === sparse
        ? "1 while the pole is within 6 degrees of upright and the cart within 0.25 m of the middle"
        : "upright * centered * small_control * small_velocity, each in [0, 1]",
    source: "dm_control: dm_control/suite/cartpole.py and cartpole.xml",
    options,
    stepping: synchronisedStepping,
    bind: (simulation) => new CartpoleRules(simulation, start, judge),
  };
}

/** balance starts upright, swingup hanging; sparse rewards say only whether it is done. */
export const cartpoleTasks: readonly MujocoTask<typeof options>[] = [
  cartpole("balance", balanced, smooth),
  cartpole("balance_sparse", balanced, sparse),
  cartpole("swingup", hanging, smooth),
  cartpole("swingup_sparse", hanging, sparse),
];
