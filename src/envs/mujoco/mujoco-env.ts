import { randomInt } from "node:crypto";
import { RunError } from "../../errors.ts";
import { RandomStream } from "../../math/random.ts";
import { cameraNames } from "../../render/camera.ts";
import { Renderer, type RenderOptions } from "../../render/renderer.ts";
import type {
  BoxSpace,
  Env,
  EnvSnapshot,
  ResetOptions,
  ResetResult,
  StartState,
  StepResult,
  View,
} from "../env.ts";
import { MAX_MAGNITUDE, type Simulation } from "./engine.ts";
import { ModelEdits } from "./model-edits.ts";
import { assertSameSize, decodeSnapshot, encodeSnapshot } from "./snapshot.ts";
import { writeStartState } from "./start-state.ts";
import { plainStepping, type Stepping } from "./stepping.ts";
import type { TaskRules } from "./task.ts";

/** What an environment is made of; it takes ownership of the simulation. */
export interface MujocoEnvParts {
  readonly id: string;
  readonly simulation: Simulation;
  readonly rules: TaskRules;
  /** Timesteps per step. */
  readonly frameSkip: number;
  /** plainStepping when left out. */
  readonly stepping?: Stepping;
}

interface MutableStepResult extends StepResult {
  reward: number;
  terminated: boolean;
}

/** A MuJoCo task as an environment. It never truncates: that is the time limit's business. */
export class MujocoEnv implements Env {
  readonly id: string;
  readonly observationSpace: BoxSpace;
  readonly actionSpace: BoxSpace;
  readonly maxEpisodeSteps = Number.POSITIVE_INFINITY;
  readonly dt: number;
  readonly cameras: readonly string[];

  readonly #simulation: Simulation;
  readonly #rules: TaskRules;
  readonly #frameSkip: number;
  readonly #stepping: Stepping;
  readonly #edits: ModelEdits;
  readonly #actionSize: number;
  readonly #stepResult: MutableStepResult;
  readonly #observation: Float64Array;
  #phase: "created" | "running" | "failed" | "closed" = "created";
  #random: RandomStream;
  #seed: number;
  /** Resets since the seed was set. */
  #episode = 0;
  /** Steps since the reset. */
  #elapsed = 0;
  /** Whether poses are still those of before a restore. */
  #posesLag = false;

  constructor(parts: MujocoEnvParts) {
    const { id, simulation, rules } = parts;
    this.id = id;
    this.#simulation = simulation;
    this.#rules = rules;
    this.#frameSkip = parts.frameSkip;
    this.dt = parts.frameSkip * simulation.timestep;
    this.#stepping = parts.stepping ?? plainStepping;
    this.#edits = new ModelEdits(rules.edits ?? []);
    this.observationSpace = unboundedSpace(rules.observationSize);
    this.actionSpace = controlSpace(simulation);
    this.#actionSize = this.actionSpace.size;
    this.cameras = [...cameraNames(simulation.model), "free"];
    this.#observation = new Float64Array(rules.observationSize);
    this.#stepResult = {
      observation: this.#observation,
      reward: 0,
      terminated: false,
      truncated: false,
      info: rules.stepInfo,
    };
    // Until a seed is given, episodes differ from one instance to the next.
    this.#seed = randomInt(2 ** 31);
    this.#random = RandomStream.derive(this.#seed, "env");
  }

  reset(options: ResetOptions = {}): ResetResult {
    this.#assertOpen();
    const { seed, state } = options;
    if (seed !== undefined) {
      this.#seed = seed;
      this.#random = RandomStream.derive(seed, "env");
      this.#episode = 0;
    }
    this.#elapsed = 0;
    this.#posesLag = false;
    this.#episode++;
    this.#phase = "failed";
    const simulation = this.#simulation;
    simulation.reset();
    this.#edits.undo();
    const unfit = this.#stepping.prepare(simulation);
    if (unfit !== null) throw this.#failure(`the model has no dynamics: ${unfit}`);
    this.#drawStart();
    if (state) this.#writeStart(state);
    const failure = this.#stepping.settle(simulation);
    if (failure !== null) throw this.#failure(`the start state has no dynamics: ${failure}`);
    // The forward pass has just left its own warm start.
    if (state?.warmstart) simulation.warmstart.set(state.warmstart);
    this.#consult(() => {
      this.#rules.begin();
      this.#rules.observe(this.#observation);
    });
    this.#phase = "running";
    return { observation: this.#observation, info: this.#rules.resetInfo };
  }

  step(action: ArrayLike<number>): StepResult {
    if (this.#phase !== "running") this.#refuseStep();
    const simulation = this.#simulation;
    // Another environment of this thread may have moved the heap since the last call.
    simulation.refreshViews();
    this.#writeControls(action);
    this.#posesLag = false;
    this.#elapsed++;
    const failure = this.#stepping.step(simulation, this.#frameSkip);
    if (failure !== null) {
      this.#phase = "failed";
      throw this.#failure(`the physics diverged at step ${this.#elapsed}: ${failure}`);
    }
    const rules = this.#rules;
    try {
      rules.observe(this.#observation);
      rules.judge(simulation.ctrl);
    } catch (thrown) {
      throw this.#broken(thrown);
    }
    const result = this.#stepResult;
    result.reward = rules.reward;
    result.terminated = rules.terminated;
    return result;
  }

  snapshot(): EnvSnapshot {
    if (this.#phase !== "running") throw this.#failure("a snapshot needs an episode under way");
    return encodeSnapshot({
      task: this.id,
      physics: this.#simulation.saveState(),
      memory: this.#rules.memory,
      edits: this.#edits.values(),
      observation: this.#observation,
      random: this.#random.state(),
      seed: this.#seed,
      episode: this.#episode,
      elapsed: this.#elapsed,
    });
  }

  restore(snapshot: EnvSnapshot): ResetResult {
    this.#assertOpen();
    const saved = decodeSnapshot(snapshot, this.id);
    const rules = this.#rules;
    assertSameSize("physics", saved.physics.length, this.#simulation.stateSize);
    assertSameSize("memory", saved.memory.length, rules.memory.length);
    assertSameSize("edits", saved.edits.length, this.#edits.size);
    assertSameSize("observation", saved.observation.length, this.#observation.length);
    this.#simulation.loadState(saved.physics);
    this.#edits.load(saved.edits);
    this.#stepping.resume(this.#simulation);
    rules.begin();
    rules.memory.set(saved.memory);
    this.#observation.set(saved.observation);
    this.#random = RandomStream.fromState(saved.random);
    this.#seed = saved.seed;
    this.#episode = saved.episode;
    this.#elapsed = saved.elapsed;
    this.#phase = "running";
    this.#posesLag = true;
    return { observation: this.#observation, info: rules.resetInfo };
  }

  openView(options: RenderOptions): View {
    this.#assertOpen();
    const renderer = new Renderer(this.#simulation, options);
    const { width, height, boxed } = renderer;
    const render = (out: Uint8Array): Uint8Array => {
      this.#assertOpen();
      if (this.#posesLag) this.#simulation.updatePoses();
      this.#posesLag = false;
      return renderer.render(out);
    };
    return { width, height, boxed, render };
  }

  close(): void {
    this.#phase = "closed";
    this.#simulation.close();
  }

  #drawStart(): void {
    try {
      this.#rules.drawStart(this.#random);
    } catch (thrown) {
      if (!(thrown instanceof RunError)) throw thrown;
      throw this.#failure(`no start state: ${thrown.message}`);
    }
  }

  #writeStart(state: StartState): void {
    const problem = writeStartState(this.#simulation, this.#edits, state);
    if (problem !== null) throw this.#failure(`start state: ${problem}`);
    // What the draw left there would show in the last bits of the given state's forces.
    this.#simulation.warmstart.fill(0);
  }

  /** Copies the action unclipped: the engine clamps a copy of its own, costs are paid on the raw one. */
  #writeControls(action: ArrayLike<number>): void {
    const size = this.#actionSize;
    if (action.length !== size) {
      throw this.#failure(`an action has ${size} numbers, not ${action.length}`);
    }
    const { ctrl } = this.#simulation;
    for (let i = 0; i < size; i++) {
      const value = action[i] ?? Number.NaN;
      // The engine would silently replace all controls by zero.
      if (!(value >= -MAX_MAGNITUDE && value <= MAX_MAGNITUDE)) {
        throw this.#failure(`action[${i}] is ${value} at step ${this.#elapsed + 1}`);
      }
      ctrl[i] = value;
    }
  }

  #failure(what: string, cause?: unknown): RunError {
    const where = `seed ${this.#seed}, episode ${this.#episode}`;
    const options = cause === undefined ? {} : { cause };
    return new RunError("ENV_FAILED", `${this.id}: ${what} (${where})`, options);
  }

  /** Asks the task about the start of an episode. */
  #consult(question: () => void): void {
    try {
      question();
    } catch (thrown) {
      throw this.#broken(thrown);
    }
  }

  /** What the task's own code has thrown. */
  #broken(thrown: unknown): RunError {
    this.#phase = "failed";
    const { message } = RunError.from(thrown);
    return this.#failure(`${message} at step ${this.#elapsed}`, thrown);
  }

  #assertOpen(): void {
    if (this.#phase === "closed") throw this.#failure("the environment is closed");
  }

  #refuseStep(): never {
    this.#assertOpen();
    throw this.#failure("step needs a successful reset first");
  }
}

/** Observations are float64 numbers of any size. */
function unboundedSpace(size: number): BoxSpace {
  return {
    kind: "box",
    size,
    low: new Float32Array(size).fill(Number.NEGATIVE_INFINITY),
    high: new Float32Array(size).fill(Number.POSITIVE_INFINITY),
  };
}

/**
 * The actuators' control ranges, rounded to float32; infinite where an actuator has none, which the engine writes
 * as from 0 to 0.
 * @throws RunError ENV_FAILED when there are no actuators.
 */
function controlSpace({ model }: Simulation): BoxSpace {
  const range: Float64Array = model.actuator_ctrlrange;
  const size = model.nu;
  if (size === 0) {
    const what = "the model has no actuators, so that there are no actions: add an <actuator>";
    throw new RunError("ENV_FAILED", what);
  }
  const low = new Float32Array(size).fill(Number.NEGATIVE_INFINITY);
  const high = new Float32Array(size).fill(Number.POSITIVE_INFINITY);
  for (let i = 0; i < size; i++) {
    const [from = 0, to = 0] = range.subarray(2 * i, 2 * i + 2);
    if (from >= to) continue;
    low[i] = from;
    high[i] = to;
  }
  return { kind: "box", size, low, high };
}
