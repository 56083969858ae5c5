import type { Env, StepResult } from "../env.ts";
import { resetFault, stepFault } from "../failure/step-fault.ts";
import type { Finding, Findings, Severity } from "./finding.ts";
import type { Probe } from "./probe.ts";

export interface RolloutBudget {
  readonly steps: number;
  /** In `performance.now()`. */
  readonly deadline: number;
}

export interface RolloutFigures {
  readonly steps: number;
  readonly episodes: number;
  readonly meanEpisodeLength: number | null;
  readonly stepMicros: number | null;
  readonly resetMicros: number | null;
}

/** Without a limit of its own, an environment whose episodes are longer than this counts as endless. */
const ENDLESS = 5_000;
/** Larger numbers are learned from badly. */
const LARGE_OBSERVATION = 1e3;
const LARGE_REWARD = 1e4;
const SLOW_STEP_MICROS = 20_000;

/** Lives through episodes, and looks at every result. */
export class Rollout {
  readonly #probe: Probe;
  readonly #findings: Findings;
  readonly #lengths: number[] = [];
  readonly #stepMicros: number[] = [];
  readonly #resetMicros: number[] = [];
  readonly #lowest: Float64Array;
  readonly #highest: Float64Array;

  constructor(probe: Probe, findings: Findings) {
    const { size } = probe.env.observationSpace;
    this.#probe = probe;
    this.#findings = findings;
    this.#lowest = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
    this.#highest = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
  }

  run(actions: readonly Float32Array[], { steps, deadline }: RolloutBudget): RolloutFigures {
    const { maxEpisodeSteps } = this.#probe.env;
    const longest = Number.isFinite(maxEpisodeSteps) ? maxEpisodeSteps : ENDLESS;
    let taken = 0;
    this.#reset(1);
    while (taken < steps && performance.now() < deadline) {
      const action = actions[taken % actions.length];
      if (!action) break;
      taken++;
      const { terminated, truncated } = this.#step(action);
      if (terminated || truncated) {
        this.#lengths.push(this.#probe.step);
        this.#reset();
      } else if (this.#probe.step >= longest) {
        this.#endless(longest);
        this.#reset();
      }
    }
    this.#judgeRanges(taken);
    return this.#figures(taken);
  }

  #reset(seed?: number): void {
    const start = performance.now();
    const { observation, info } = this.#probe.reset(seed);
    this.#resetMicros.push(1000 * (performance.now() - start));
    this.#examine({ observation, info, reward: 0, terminated: false, truncated: false }, "reset");
  }

  #step(action: Float32Array): StepResult {
    const given = action.slice();
    const start = performance.now();
    const result = this.#probe.take(action);
    this.#stepMicros.push(1000 * (performance.now() - start));
    if (action.some((value, i) => value !== given[i])) {
      const fix = "copy the action before changing it";
      this.#add("action", "error", { what: "step changes the action it is given", fix });
      action.set(given);
    }
    this.#examine(result, "step");
    return result;
  }

  #examine(result: StepResult, call: "reset" | "step"): void {
    const { observation, reward, info } = result;
    const { env } = this.#probe;
    const expected = env.observationSpace.image ? Uint8Array : Float64Array;
    if (!(observation instanceof expected)) {
      const what = `${call} gives an observation that is a ${typeName(observation)}`;
      this.#add("type", "error", { what, fix: `give a ${expected.name}` });
      return;
    }
    const { size } = env.observationSpace;
    const fault = call === "step" ? stepFault(result, size) : resetFault(result, size);
    if (fault !== undefined) {
      const fix = fault.endsWith("no boolean")
        ? "give true or false for each; they are two different things"
        : "every number has to be finite, and observations as long as observationSpace.size";
      this.#add(fault.replace(/[\d.]+/g, "#"), "error", { what: `${call} gives ${fault}`, fix });
      return;
    }
    this.#bounds(env, observation);
    if (Math.abs(reward) > LARGE_REWARD) {
      const fix = 'scale it, e.g. --set "env.options.wrappers=[{reward_scale: {scale: 0.001}}]"';
      this.#add("reward", "warning", { what: `reward ${reward}`, fix });
    }
    if (typeof info !== "object" || info === null) {
      const fix = "give {} when there is nothing to say";
      this.#add("info", "warning", { what: `${call} gives info ${String(info)}`, fix });
      return;
    }
    const odd = Object.entries(info).find(([, value]) => !Number.isFinite(value));
    if (odd) {
      const fix = "info holds finite numbers by name";
      this.#add("info", "warning", { what: `info.${odd[0]} is ${String(odd[1])}`, fix });
    }
  }

  #bounds({ observationSpace }: Env, observation: ArrayLike<number>): void {
    const { low, high } = observationSpace;
    for (let i = 0; i < observation.length; i++) {
      const value = observation[i] ?? 0;
      this.#lowest[i] = Math.min(this.#lowest[i] ?? value, value);
      this.#highest[i] = Math.max(this.#highest[i] ?? value, value);
      const [bottom = 0, top = 0] = [low[i], high[i]];
      if (value >= bottom && value <= top) continue;
      // Bounds are float32: a value that rounds to one is on it.
      if (Math.fround(value) >= bottom && Math.fround(value) <= top) continue;
      const what = `observation[${i}] is ${value}, outside of its space [${bottom}, ${top}]`;
      this.#add(`bounds ${i}`, "error", { what, fix: "widen observationSpace, or clip the value" });
    }
  }

  #endless(longest: number): void {
    const { maxEpisodeSteps } = this.#probe.env;
    const what = `an episode has not ended in ${longest} steps`;
    if (Number.isFinite(maxEpisodeSteps)) {
      const fix = `maxEpisodeSteps is ${maxEpisodeSteps}: truncate there, or say Infinity`;
      this.#add("endless", "error", { what, fix });
      return;
    }
    const fix =
      'set a limit, --set "env.options.wrappers=[{time_limit: 1000}]", or truncate in step';
    this.#add("endless", "warning", { what, fix });
  }

  #judgeRanges(steps: number): void {
    if (steps < 10) return;
    const still = this.#lowest.findIndex((low, i) => low === this.#highest[i]);
    if (still >= 0) {
      const what = `observation[${still}] was ${this.#lowest[still]} in all ${steps} steps`;
      this.#add("still", "note", { what, fix: "leave it out if it cannot change" });
    }
    const large = this.#highest.findIndex(
      (high, i) => Math.max(high, -(this.#lowest[i] ?? 0)) > LARGE_OBSERVATION,
    );
    if (large >= 0) {
      const what = `observation[${large}] reaches from ${this.#lowest[large]} to ${this.#highest[large]}`;
      const fix = "train with --set algorithm.normalizeObservations=true, or scale it";
      this.#add("large", "note", { what, fix });
    }
    const micros = median(this.#stepMicros) ?? 0;
    if (micros > SLOW_STEP_MICROS) {
      const what = `a step takes ${Math.round(micros / 1000)} ms`;
      this.#add("slow", "warning", {
        what,
        fix: "a million steps would take hours: make it cheaper",
      });
    }
  }

  #figures(steps: number): RolloutFigures {
    const episodes = this.#lengths.length;
    const total = this.#lengths.reduce((sum, length) => sum + length, 0);
    return {
      steps,
      episodes,
      meanEpisodeLength: episodes === 0 ? null : total / episodes,
      stepMicros: median(this.#stepMicros),
      resetMicros: median(this.#resetMicros),
    };
  }

  #add(kind: string, severity: Severity, { what, fix }: Pick<Finding, "what" | "fix">): void {
    this.#findings.add(kind, { severity, check: "results", what, where: this.#probe.where, fix });
  }
}

function typeName(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return value.constructor?.name ?? "object";
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
