import type { BoxSpace, Env, EnvSnapshot, ResetOptions, ResetResult, StepResult } from "troupe";

/** Seconds per step. */
const DT = 0.1;
/** Half the width of the field, in metres; beyond it the ship is lost. */
const FIELD = 2;
/** Close and slow enough to be docked: metres, metres per second. */
const DOCKED = { distance: 0.1, speed: 0.2 };

interface State {
  /** [x, y, vx, vy] */
  readonly motion: Float64Array;
  steps: number;
  /** Of the random stream. */
  random: number;
}

/** What `--set env.options.thrust=2` gives. */
interface Options {
  readonly thrust?: number;
  readonly maxEpisodeSteps?: number;
}

/** A ship without friction is to come to rest at the origin. Plain TypeScript: no physics engine. */
class Docking implements Env {
  readonly id = "Docking";
  readonly maxEpisodeSteps: number;
  readonly observationSpace: BoxSpace = box([FIELD + 1, FIELD + 1, 10, 10]);
  readonly actionSpace: BoxSpace = box([1, 1]);
  readonly #thrust: number;
  readonly #state: State = { motion: new Float64Array(4), steps: 0, random: 1 };

  constructor({ thrust = 1, maxEpisodeSteps = 100, ...others }: Options = {}) {
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) {
      throw new Error(`there is no option ${unknown}; there are thrust and maxEpisodeSteps`);
    }
    this.#thrust = thrust;
    this.maxEpisodeSteps = maxEpisodeSteps;
  }

  reset({ seed }: ResetOptions = {}): ResetResult {
    const state = this.#state;
    if (seed !== undefined) state.random = 1 + (seed % 2147483646);
    state.motion.set([this.#draw(), this.#draw(), 0.2 * this.#draw(), 0.2 * this.#draw()]);
    state.steps = 0;
    return { observation: state.motion.slice(), info: {} };
  }

  step(action: ArrayLike<number>): StepResult {
    const { motion } = this.#state;
    if (action.length !== 2) throw new Error(`an action has 2 numbers, not ${action.length}`);
    for (const axis of [0, 1]) {
      const push = this.#thrust * Math.max(-1, Math.min(action[axis] ?? 0, 1));
      motion[2 + axis] = (motion[2 + axis] ?? 0) + push * DT;
      motion[axis] = (motion[axis] ?? 0) + (motion[2 + axis] ?? 0) * DT;
    }
    this.#state.steps += 1;
    return this.#judge(motion);
  }

  snapshot(): EnvSnapshot {
    const { motion, steps, random } = this.#state;
    // JSON knows no typed arrays, and -0 only as 0.
    return { motion: [...motion].map((value) => value + 0), steps, random };
  }

  restore(snapshot: EnvSnapshot): ResetResult {
    const { motion, steps, random } = snapshot as {
      motion: number[];
      steps: number;
      random: number;
    };
    this.#state.motion.set(motion);
    this.#state.steps = steps;
    this.#state.random = random;
    return { observation: this.#state.motion.slice(), info: {} };
  }

  close(): void {}

  #judge(motion: Float64Array): StepResult {
    const [x = 0, y = 0, vx = 0, vy = 0] = motion;
    const distance = Math.hypot(x, y);
    const isDocked = distance < DOCKED.distance && Math.hypot(vx, vy) < DOCKED.speed;
    const isLost = Math.max(Math.abs(x), Math.abs(y)) > FIELD;
    const bonus = (isDocked ? 10 : 0) - (isLost ? 50 : 0);
    return {
      observation: motion.slice(),
      reward: bonus - 0.5 * distance,
      terminated: isDocked || isLost,
      truncated: this.#state.steps >= this.maxEpisodeSteps,
      info: { distance, docked: isDocked ? 1 : 0 },
    };
  }

  /** In [-1, 1); the "minimal standard" generator of Park and Miller. */
  #draw(): number {
    this.#state.random = (this.#state.random * 48271) % 2147483647;
    return (2 * this.#state.random) / 2147483647 - 1;
  }
}

function box(high: readonly number[]): BoxSpace {
  const bounds = Float32Array.from(high);
  return { kind: "box", size: high.length, low: bounds.map((value) => -value), high: bounds };
}

export const env = async (options?: Options) => new Docking(options);
