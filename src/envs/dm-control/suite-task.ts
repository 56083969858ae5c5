import { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import { commonOptions } from "../mujoco/common-options.ts";
import type { Simulation } from "../mujoco/engine.ts";
import type { ModelEdit } from "../mujoco/model-edits.ts";
import { synchronisedStepping } from "../mujoco/stepping.ts";
import type { InfoBuffer, MujocoTask, TaskRules } from "../mujoco/task.ts";

const suiteOptions = (frameSkip: number) =>
  z.strictObject(commonOptions({ frameSkip, maxEpisodeSteps: 1000 }));

export type SuiteTask = MujocoTask<ReturnType<typeof suiteOptions>>;

/** What is a task's own in the suite, bound to one simulation. Episodes end by time alone. */
export interface SuiteRules {
  /** What `drawStart` may change in the model. */
  readonly edits?: readonly ModelEdit[];
  /** The suite's names and order; concatenated they are the observation. */
  readonly observation: Readonly<Record<string, () => ArrayLike<number>>>;

  /** Draws a start state into the simulation, which has just been reset. */
  drawStart(random: RandomStream): void;
  /**
   * Reward of the step just taken, in [0, 1].
   * @param ctrl Unclipped.
   * @param info Takes the reward's terms, the same ones at each step.
   */
  reward(ctrl: Float64Array, info: InfoBuffer): number;
}

/** A task of the suite as data. */
export interface SuiteTaskParts {
  readonly domain: string;
  readonly task: string;
  readonly mjcf: string;
  /** Timesteps per step. */
  readonly frameSkip: number;
  /** Seconds per step. */
  readonly dt: number;
  readonly rewardTerms: string;
  bind(simulation: Simulation): SuiteRules;
}

/** dm_control/`domain`-`task`: 1000 steps, stepped as the suite does. */
export function suiteTask(parts: SuiteTaskParts): SuiteTask {
  const { domain, task, mjcf, frameSkip, dt, rewardTerms } = parts;
  return {
    id: `dm_control/${domain}-${task}`,
    group: "dm_control",
    mjcf,
    dt,
    rewardThreshold: null,
    rewardTerms,
    source: `dm_control: dm_control/suite/${domain}.py and ${domain}.xml`,
    options: suiteOptions(frameSkip),
    stepping: synchronisedStepping,
    bind: (simulation) => new BoundRules(parts.bind(simulation)),
  };
}

class BoundRules implements TaskRules {
  readonly observationSize: number;
  readonly edits: readonly ModelEdit[];
  readonly memory = new Float64Array(0);
  readonly resetInfo = {};
  readonly stepInfo: InfoBuffer = {};
  readonly terminated = false;
  reward = 0;

  readonly #rules: SuiteRules;
  readonly #parts: readonly (() => ArrayLike<number>)[];

  constructor(rules: SuiteRules) {
    this.#rules = rules;
    this.#parts = Object.values(rules.observation);
    this.edits = rules.edits ?? [];
    this.observationSize = this.#parts.reduce((size, part) => size + part().length, 0);
  }

  drawStart(random: RandomStream): void {
    this.#rules.drawStart(random);
  }

  begin(): void {}

  observe(observation: Float64Array): void {
    let at = 0;
    for (const part of this.#parts) {
      const values = part();
      observation.set(values, at);
      at += values.length;
    }
  }

  judge(ctrl: Float64Array): void {
    this.reward = this.#rules.reward(ctrl, this.stepInfo);
  }
}
