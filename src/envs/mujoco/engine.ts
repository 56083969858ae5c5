import type { DoubleBuffer, MainModule, MjData, MjModel } from "@mujoco/mujoco";
import { RunError } from "../../errors.ts";
import { type MujocoRuntime, mujocoRuntime } from "./module.ts";

/** The engine's own bound: a larger |qpos|, |qvel|, |qacc| or |ctrl| counts as diverged. mjMAXVAL. */
export const MAX_MAGNITUDE = 1e10;

/** The engine's warning counters, in the order of mjtWarning. Any of them falsifies the physics. */
const WARNINGS = [
  "the inertia matrix is singular",
  "contacts were dropped because the model's memory is full",
  "constraints were dropped because the model's memory is full",
  "a position became NaN, infinite or huge",
  "a velocity became NaN, infinite or huge",
  "an acceleration became NaN, infinite or huge",
  "a control is NaN, infinite or huge",
] as const;

/** Kinds of named elements: the engine's name for the kind, and the model's field that counts them. */
const ELEMENTS = {
  body: ["mjOBJ_BODY", "nbody"],
  joint: ["mjOBJ_JOINT", "njnt"],
  geom: ["mjOBJ_GEOM", "ngeom"],
  site: ["mjOBJ_SITE", "nsite"],
  tendon: ["mjOBJ_TENDON", "ntendon"],
  actuator: ["mjOBJ_ACTUATOR", "nu"],
  sensor: ["mjOBJ_SENSOR", "nsensor"],
} as const;

export type ElementKind = keyof typeof ELEMENTS;

/** Files that a model is made of, by the names it has for them. */
export type ModelFiles = ReadonlyMap<string, Uint8Array>;

/**
 * One MuJoCo model with one state, in the wasm heap of this thread.
 *
 * `qpos`, `qvel`, `act`, `ctrl` and `warmstart` are live views into that heap, `track` gives others. The
 * heap moves when it grows, which compiling models and creating states can cause: read views from here
 * after each call, never keep them. The caller owns the simulation and calls `close`.
 */
export class Simulation {
  readonly model: MjModel;
  readonly data: MjData;
  /** Seconds per timestep, as compiled. */
  readonly timestep: number;
  qpos!: Float64Array;
  qvel!: Float64Array;
  act!: Float64Array;
  ctrl!: Float64Array;
  /** qacc_warmstart: where the constraint solver starts. */
  warmstart!: Float64Array;

  readonly #runtime: MujocoRuntime;
  readonly #module: MainModule;
  readonly #advance: (model: MjModel, data: MjData) => void;
  /** Whether a step can be split where the integrator begins: not with RK4, which begins four times. */
  readonly #splits: boolean;
  readonly #stateSignature: number;
  readonly #state: DoubleBuffer;
  readonly #tracked: Record<string, Float64Array> = {};
  /** Bytes of arena above which something may have been dropped. */
  readonly #arenaAlarm: number;
  #closed = false;

  private constructor(runtime: MujocoRuntime, model: MjModel, data: MjData) {
    const { module } = runtime;
    this.#runtime = runtime;
    this.model = model;
    this.data = data;
    this.timestep = model.opt.timestep;
    this.#module = module;
    this.#advance = module.mj_step;
    this.#splits = model.opt.integrator !== module.mjtIntegrator.mjINT_RK4.value;
    this.#arenaAlarm = data.narena / 2;
    // FULLPHYSICS would leave out the solver's warm start, and with it the last bits.
    this.#stateSignature = module.mjtState.mjSTATE_INTEGRATION.value;
    this.#state = new module.DoubleBuffer(module.mj_stateSize(model, this.#stateSignature));
    this.#fetchViews();
  }

  /**
   * Compiles an MJCF text. Write `<size memory="512K"/>` in it: the engine's default reserves 4 to
   * 14 MB of address space for each simulation.
   *
   * @param files What the text refers to by name.
   * @throws RunError ENV_FAILED when the text is no valid model, OUT_OF_MEMORY when the heap is full.
   */
  static async fromMjcf(mjcf: string, files: ModelFiles = new Map()): Promise<Simulation> {
    const runtime = await mujocoRuntime();
    const { module } = runtime;
    let model: MjModel | undefined;
    let data: MjData | undefined;
    const store = files.size > 0 ? new module.MjVFS() : undefined;
    try {
      for (const [name, bytes] of files) store?.addBuffer(name, bytes);
      model = store
        ? module.MjModel.from_xml_string(mjcf, store)
        : module.MjModel.from_xml_string(mjcf);
      data = new module.MjData(model);
      return new Simulation(runtime, model, data);
    } catch (thrown) {
      runtime.recover();
      data?.delete();
      model?.delete();
      throw engineFailure(thrown);
    } finally {
      store?.delete();
    }
  }

  /** Seconds since the reset. */
  get time(): number {
    return this.data.time;
  }

  set time(seconds: number) {
    this.data.time = seconds;
  }

  /**
   * Live views of number arrays of the engine's data by name, such as "xpos". The object stays the same;
   * its arrays are replaced when the heap has moved, as the simulation's own.
   */
  track<Name extends string & keyof MjData>(
    ...names: Name[]
  ): Readonly<Record<Name, Float64Array>> {
    for (const name of names) this.#tracked[name] = this.data[name];
    return this.#tracked as Record<Name, Float64Array>;
  }

  /** Index of the element of that name, or -1. */
  indexOf(kind: ElementKind, name: string): number {
    const module = this.#module;
    return module.mj_name2id(this.model, module.mjtObj[ELEMENTS[kind][0]].value, name);
  }

  /** Names of the elements of a kind; not all have one. */
  namesOf(kind: ElementKind): string[] {
    const module = this.#module;
    const [object, counter] = ELEMENTS[kind];
    const type = module.mjtObj[object].value;
    const count: number = this.model[counter];
    const names = Array.from({ length: count }, (_, i) => module.mj_id2name(this.model, type, i));
    return names.filter((name) => name);
  }

  /** Clears state, controls, warm start, derived arrays and warnings. */
  reset(): void {
    this.#module.mj_resetData(this.model, this.data);
    this.refreshViews();
  }

  /**
   * Computes everything that follows from the state, without advancing it. Returns null, or what went
   * wrong; the state then means nothing until the next `reset`.
   */
  forward(): string | null {
    try {
      this.#module.mj_forward(this.model, this.data);
    } catch (thrown) {
      return this.#broken(thrown);
    }
    return this.warning();
  }

  /** The same with all actuators switched off. */
  forwardWithoutActuation(): string | null {
    const options = this.model.opt;
    const flags: number = options.disableflags;
    options.disableflags = flags | this.#module.mjtDisableBit.mjDSBL_ACTUATION.value;
    try {
      return this.forward();
    } finally {
      options.disableflags = flags;
    }
  }

  /**
   * Advances `timesteps` under the current `ctrl`. Returns null, or what went wrong; the state then
   * means nothing until the next `reset`.
   *
   * Divergence never throws in the engine: it silently resets the data, which shows as a clock that
   * did not advance by exactly these timesteps, or, from time 0, in the counters alone.
   */
  step(timesteps: number): string | null {
    const start = this.data.time;
    try {
      this.#advanceBy(timesteps);
    } catch (thrown) {
      return this.#broken(thrown);
    }
    return this.#problemSince(start, timesteps);
  }

  /**
   * The same, after which what follows from positions and velocities alone is that of the new state; what
   * involves forces is that of the last timestep. Needs `forward`, or `synchronise`, before the first.
   */
  stepSynchronised(timesteps: number): string | null {
    const { model, data } = this;
    const start = data.time;
    try {
      // Its first half was done at the end of the step before.
      if (this.#splits) this.#module.mj_step2(model, data);
      this.#advanceBy(this.#splits ? timesteps - 1 : timesteps);
      this.#module.mj_step1(model, data);
    } catch (thrown) {
      return this.#broken(thrown);
    }
    return this.#problemSince(start, timesteps);
  }

  /**
   * Computes cfrc_ext, [bodies, torque and force], of the contacts at the last evaluation of the dynamics,
   * after a step. Until then it holds that of the call before, zeros after a reset.
   */
  computeExternalForces(): void {
    this.#module.mj_rnePostConstraint(this.model, this.data);
  }

  /**
   * Computes what follows from positions and velocities alone: poses and contacts, but no forces, which
   * take most of the time of a `forward`. Returns null, or what went wrong.
   */
  synchronise(): string | null {
    try {
      this.#module.mj_step1(this.model, this.data);
    } catch (thrown) {
      return this.#broken(thrown);
    }
    return this.warning();
  }

  /** Computes the poses of bodies, geoms, sites, tendons and cameras alone, as after `loadState`. */
  updatePoses(): void {
    const { model, data } = this;
    this.#module.mj_kinematics(model, data);
    this.#module.mj_comPos(model, data);
    this.#module.mj_camlight(model, data);
    this.#module.mj_tendon(model, data);
  }

  #advanceBy(timesteps: number): void {
    const { model, data } = this;
    const advance = this.#advance;
    for (let i = 0; i < timesteps; i++) advance(model, data);
  }

  /** What went wrong in the `timesteps` since `start`, in seconds, or null. */
  #problemSince(start: number, timesteps: number): string | null {
    const { data, timestep } = this;
    // Summed as the engine does, to the last bit.
    let expected = start;
    for (let i = 0; i < timesteps; i++) expected += timestep;
    this.refreshViews();
    const inTime = data.time === expected;
    if (!inTime || start <= 0 || data.maxuse_arena > this.#arenaAlarm) {
      const warning = this.warning();
      if (warning !== null) return warning;
      if (!inTime) return `the clock reads ${data.time} s instead of ${expected} s`;
    }
    // The last timestep's result is only examined by the engine when the next one begins.
    if (!inRange(this.qpos)) return WARNINGS[3];
    if (!inRange(this.qvel)) return WARNINGS[4];
    return null;
  }

  /** The first engine warning since the reset, in words, or null. Takes microseconds. */
  warning(): string | null {
    // `data.warning` is owned by the engine and must not be deleted; its elements are copies and must.
    const counters = this.data.warning;
    for (const [index, text] of WARNINGS.entries()) {
      const counter = counters.get(index);
      const raised = counter !== undefined && counter.number > 0;
      const where = counter?.lastinfo;
      counter?.delete();
      if (raised) return `${text} (index ${where})`;
    }
    return null;
  }

  /** Values in a saved state. */
  get stateSize(): number {
    return this.#state.GetElementCount();
  }

  /** A copy of the integration state: `loadState` of it continues bit for bit. */
  saveState(): Float64Array {
    // Outputs must lie in the wasm heap: an ordinary array would be written to address 0.
    this.#module.mj_getState(this.model, this.data, this.#state, this.#stateSignature);
    const view: Float64Array = this.#state.GetView();
    return view.slice();
  }

  /**
   * Replaces the integration state. Derived arrays are those of a reset until the next step.
   * @throws RangeError when the length is another model's.
   */
  loadState(state: Float64Array): void {
    const size = this.stateSize;
    if (state.length !== size) throw new RangeError(`state of ${state.length} values, not ${size}`);
    this.reset();
    // The declared type is number[]; typed arrays are converted the same way.
    const values: ArrayLike<number> = state;
    this.#module.mj_setState(this.model, this.data, values as number[], this.#stateSignature);
  }

  /** Frees the model and the state. The simulation cannot be used afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#state.delete();
    this.data.delete();
    this.model.delete();
  }

  /** An engine error, which leaves the data half computed: only a reset makes it safe again. */
  #broken(thrown: unknown): string {
    this.#runtime.recover();
    this.reset();
    return messageOf(thrown);
  }

  /** Makes every view current. Nothing needs it but a write that no call of this simulation precedes. */
  refreshViews(): void {
    // Views of a heap that has moved have length 0.
    if (this.qvel.length === 0) this.#fetchViews();
  }

  #fetchViews(): void {
    const { data } = this;
    this.qpos = data.qpos;
    this.qvel = data.qvel;
    this.act = data.act;
    this.ctrl = data.ctrl;
    this.warmstart = data.qacc_warmstart;
    for (const name of Object.keys(this.#tracked)) {
      this.#tracked[name] = data[name as keyof MjData] as unknown as Float64Array;
    }
  }
}

function inRange(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (!(value >= -MAX_MAGNITUDE && value <= MAX_MAGNITUDE)) return false;
  }
  return true;
}

function messageOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).trim();
}

function engineFailure(thrown: unknown): RunError {
  const message = messageOf(thrown);
  const code = /allocate memory|out of memory/i.test(message) ? "OUT_OF_MEMORY" : "ENV_FAILED";
  return new RunError(code, message, { cause: thrown });
}
