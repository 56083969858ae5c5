import type { RandomStream } from "../../math/random.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { liveRow } from "../mujoco/rows.ts";
import type { InfoBuffer } from "../mujoco/task.ts";
import { smallControl } from "./control-cost.ts";
import { cartpoleMjcf } from "./models/cartpole.ts";
import { XZ, ZZ } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

/** Bodies before the first pole: the world and the cart. Every body after them is a pole. */
const FIRST_POLE = 2;

/** Writes start positions: [slider, hinges]. */
type Start = (qpos: Float64Array, random: RandomStream) => void;
/** Computes a reward from the cart's position and the poles. */
type Judge = (parts: CartpoleView, info: InfoBuffer) => number;

/** What the rewards are made of. */
interface CartpoleView {
  readonly slider: number;
  /** Cosines of the poles' angles to the vertical. */
  readonly uprights: readonly number[];
  readonly velocities: Float64Array;
  /** Unclipped. */
  readonly ctrl: Float64Array;
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
const slow = tolerance({ margin: 5 });

const smooth: Judge = ({ slider, uprights, velocities, ctrl }, info) => {
  let upright = 0;
  for (const cosine of uprights) upright += (cosine + 1) / 2;
  let calm = 1;
  for (let i = 1; i < velocities.length; i++) calm = Math.min(calm, slow(velocities[i]!));
  info["upright"] = upright / uprights.length;
  info["centered"] = (1 + centred(slider)) / 2;
  info["small_control"] = smallControl(ctrl);
  info["small_velocity"] = (1 + calm) / 2;
  return info["upright"] * info["small_control"] * info["small_velocity"] * info["centered"];
};

const inTheMiddle = tolerance({ bounds: [-0.25, 0.25] });
const standing = tolerance({ bounds: [0.995, 1] });

const sparse: Judge = ({ slider, uprights }, info) => {
  let upright = 1;
  for (const cosine of uprights) upright *= standing(cosine);
  info["upright"] = upright;
  info["centered"] = inTheMiddle(slider);
  return upright * info["centered"];
};

/** A cart on a rail swings up the poles that hang on it, or keeps them up. */
function bindCartpole(simulation: Simulation, start: Start, judge: Judge): SuiteRules {
  const poles = Array.from({ length: simulation.model.nbody - FIRST_POLE }, (_, i) => i);
  const rotations = liveRow(() => simulation.data.xmat);
  const entry = (pole: number, which: number): number =>
    rotations()[9 * (FIRST_POLE + pole) + which]!;
  return {
    observation: {
      position: () => [
        simulation.qpos[0]!,
        ...poles.flatMap((pole) => [entry(pole, ZZ), entry(pole, XZ)]),
      ],
      velocity: () => simulation.qvel,
    },
    drawStart: (random) => {
      const { qpos, qvel } = simulation;
      start(qpos, random);
      for (let i = 0; i < qvel.length; i++) qvel[i] = 0.01 * random.normal();
    },
    reward: (ctrl, info) => {
      const uprights = poles.map((pole) => entry(pole, ZZ));
      const view = { slider: simulation.qpos[0]!, uprights, velocities: simulation.qvel, ctrl };
      return judge(view, info);
    },
  };
}

interface Variant {
  readonly poles?: number;
  readonly start: Start;
  readonly judge: Judge;
}

function cartpole(task: string, { poles = 1, start, judge }: Variant): SuiteTask {
  return suiteTask({
    domain: "cartpole",
    task,
    mjcf: cartpoleMjcf(poles),
    frameSkip: 1,
    dt: 0.01,
    rewardTerms:
      judge === sparse
        ? "1 while the pole is within 6 degrees of upright and the cart within 0.25 m of the middle"
        : "upright * centered * small_control * small_velocity, each in [0, 1]",
    bind: (simulation) => bindCartpole(simulation, start, judge),
  });
}

/** balance starts upright, the rest hanging; sparse rewards say only whether it is done. */
export const cartpoleTasks: readonly SuiteTask[] = [
  cartpole("balance", { start: balanced, judge: smooth }),
  cartpole("balance_sparse", { start: balanced, judge: sparse }),
  cartpole("swingup", { start: hanging, judge: smooth }),
  cartpole("swingup_sparse", { start: hanging, judge: sparse }),
  cartpole("two_poles", { poles: 2, start: hanging, judge: smooth }),
  cartpole("three_poles", { poles: 3, start: hanging, judge: smooth }),
];
