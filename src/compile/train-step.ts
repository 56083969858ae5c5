import type { Algorithm, LossStage } from "../algorithms/algorithm.ts";
import { initialParameters, type ParameterValues } from "../algorithms/networks.ts";
import type { RandomStream } from "../math/random.ts";
import {
  type ForeignState,
  type LayoutEntry,
  ParameterStore,
  type TrainState,
  type Turn,
} from "./parameter-store.ts";
import { type Binding, type Buffers, Program, type ProgramOptions } from "./program.ts";
import { compileStage, port } from "./stage-program.ts";

export interface TrainStepOptions extends ProgramOptions {
  /** Draws the initial parameters. */
  readonly random: RandomStream;
}

/** What one update found; the records are reused by the next. */
export interface StepResult {
  /** Whether every loss and gradient was; if not, the update did not take place. */
  readonly finite: boolean;
  readonly metrics: Readonly<Record<string, number>>;
  readonly perSample: Buffers;
  /** Euclidean norm of all gradients together. */
  readonly gradNorm: number;
}

/** A compiled stage, bound once for each turn of the two states. */
interface CompiledStage {
  readonly stage: LossStage;
  readonly program: Program;
  readonly bindings: readonly [Binding, Binding];
  /** What both bindings write. */
  readonly outputs: Buffers;
}

/** From which state to which, and how fast. */
interface Move {
  readonly from: Turn;
  readonly to: Turn;
  readonly rateScale: number;
}

/** What names a group's restart in an exported state. */
const RESTART = "restarts/";

/** As in PyTorch's clip_grad_norm_. */
const NORM_FLOOR = 1e-6;

/**
 * An algorithm's whole update: its stages as compiled graphs, then Adam and the slow copies, on two
 * alternating states, so that an update allocates nothing and one that is not finite leaves no trace.
 */
export class TrainStep implements AsyncDisposable {
  readonly algorithm: Algorithm;
  readonly #store: ParameterStore;
  readonly #stages: readonly CompiledStage[];
  readonly #batch: Buffers;
  readonly #noise: Buffers;
  readonly #metrics: Record<string, number> = {};
  readonly #perSample: Buffers;
  /** Updates done when a group's optimiser last started anew; 0 where it is not there. */
  readonly #restarts = new Map<string, number>();
  #turn: Turn = 0;
  #steps = 0;

  private constructor(
    algorithm: Algorithm,
    store: ParameterStore,
    parts: {
      readonly stages: readonly CompiledStage[];
      readonly batch: Buffers;
      readonly noise: Buffers;
    },
  ) {
    this.algorithm = algorithm;
    this.#store = store;
    this.#stages = parts.stages;
    this.#batch = parts.batch;
    this.#noise = parts.noise;
    const columns = parts.stages.flatMap(({ outputs }) => named(outputs, port.perSample("")));
    this.#perSample = Object.fromEntries(columns);
  }

  /** @throws RunError COMPILE_UNSUPPORTED, or INTERNAL when the device is not there. */
  static async create(algorithm: Algorithm, options: TrainStepOptions): Promise<TrainStep> {
    checkStages(algorithm);
    const store = new ParameterStore(algorithm);
    const batch = allocate(algorithm.batch);
    const noise = allocate(algorithm.noise);
    const shared = allocate(algorithm.shared ?? []);
    const stages: CompiledStage[] = [];
    for (const [index, stage] of algorithm.stages.entries()) {
      const { random: _, ...programOptions } = options;
      const program = await Program.load(compileStage(algorithm, stage), programOptions);
      const moved = algorithm.stages.slice(0, index).flatMap((earlier) => earlier.groups);
      stages.push(bindStage({ stage, program, store, moved }, { batch, noise, shared }));
    }
    const step = new TrainStep(algorithm, store, { stages, batch, noise });
    step.setParameters(initialParameters(algorithm, options.random.integer(2 ** 31)));
    return step;
  }

  get groupNames(): readonly string[] {
    return this.#store.groupNames;
  }

  /** Updates done. */
  get steps(): number {
    return this.#steps;
  }

  /** Where each tensor of a group lies in `parameters(group)`. */
  layout(group: string): readonly LayoutEntry[] {
    return this.#store.layout(group);
  }

  /**
   * The group's parameters as they are now, flat; a view that is valid until the next update, which
   * starts from what it finds there.
   */
  parameters(group: string): Float32Array {
    return this.#store.state(group, this.#turn).parameters.values;
  }

  /** What actors are sent: the policy's parameters, those of its encoder before them. */
  published(): Float32Array {
    const { encoder, group } = this.algorithm.policy;
    if (encoder === undefined) return this.parameters(group);
    const [first, second] = [this.parameters(encoder), this.parameters(group)];
    const both = new Float32Array(first.length + second.length);
    both.set(first);
    both.set(second, first.length);
    return both;
  }

  /** The group's optimiser forgets what it has seen: no moments, no steps. */
  restartOptimizer(group: string): void {
    const { first, second } = this.#store.state(group, this.#turn);
    first.values.fill(0);
    second.values.fill(0);
    this.#restarts.set(group, this.#steps);
  }

  /**
   * Sets a scalar of a group that no stage moves and that follows none.
   * @throws RangeError when there is no such scalar.
   */
  setConstant(group: string, name: string, value: number): void {
    for (const turn of [0, 1] as const) {
      const { values } = this.#store.state(group, turn).parameters;
      const tensor = this.#store.tensors(group, values)[name];
      if (tensor?.length !== 1) throw new RangeError(`${group} has no scalar ${name}`);
      tensor[0] = value;
    }
  }

  /** Noise buffers for `step`, by name. */
  createNoise(): Record<string, Float32Array> {
    return allocate(this.algorithm.noise);
  }

  /** Batch buffers for `step`, by name. */
  createBatch(): Record<string, Float32Array> {
    return allocate(this.algorithm.batch);
  }

  /**
   * One update from a batch and its noise, which are copied.
   *
   * @param rateScale Multiplies every learning rate.
   * @throws RangeError if a column is missing or has another length than the algorithm declares.
   */
  async step(batch: object, noise: Buffers, rateScale = 1): Promise<StepResult> {
    fill(this.#batch, batch);
    fill(this.#noise, noise);
    const from = this.#turn;
    const to: Turn = from === 0 ? 1 : 0;
    let squares = 0;
    let finite = true;
    for (const { stage, bindings, outputs } of this.#stages) {
      await bindings[from].run();
      finite = this.#readScalars(outputs) && finite;
      squares += this.#moveAll(stage, { from, to, rateScale });
      this.#carry(stage, outputs, to);
    }
    finite = finite && Number.isFinite(squares);
    if (finite) {
      this.#follow(from, to);
      this.#turn = to;
      this.#steps += 1;
    }
    const gradNorm = Math.sqrt(squares);
    return { finite, metrics: this.#metrics, perSample: this.#perSample, gradNorm };
  }

  /** A copy of everything that updates carry over. */
  exportState(): TrainState {
    const restarts = [...this.#restarts].map(([group, steps]) => [
      `${RESTART}${group}`,
      { shape: [1], data: Float64Array.of(steps) },
    ]);
    const steps = { shape: [1], data: Float64Array.of(this.#steps) };
    return { ...this.#store.exportTensors(this.#turn), steps, ...Object.fromEntries(restarts) };
  }

  /** @throws RangeError naming a tensor that is missing or has another shape; then nothing is changed. */
  importState(state: ForeignState): void {
    const steps = state["steps"]?.data;
    if (!(steps instanceof Float64Array && steps[0] !== undefined)) {
      throw new RangeError("the state has no tensor steps");
    }
    this.#store.importTensors(state);
    this.#steps = steps[0];
    this.#restarts.clear();
    for (const group of this.groupNames) {
      const restart = state[RESTART + group]?.data;
      if (restart instanceof Float64Array) this.#restarts.set(group, restart[0] ?? 0);
    }
  }

  /** Starts anew from the given parameters: no moments, no steps. */
  setParameters(values: ParameterValues): void {
    for (const group of this.groupNames) {
      for (const turn of [0, 1] as const) {
        const { parameters, first, second } = this.#store.state(group, turn);
        const tensors = this.#store.tensors(group, parameters.values);
        for (const [name, tensor] of Object.entries(tensors))
          tensor.set(values[group]?.[name] ?? []);
        first.values.fill(0);
        second.values.fill(0);
      }
    }
    this.#steps = 0;
    this.#restarts.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { program } of this.#stages) await program.release();
  }

  /** Takes the metrics over and says whether the loss is finite. */
  #readScalars(outputs: Buffers): boolean {
    for (const [key, value] of named(outputs, port.metric(""))) {
      this.#metrics[key] = value[0] ?? Number.NaN;
    }
    return Number.isFinite(outputs[port.loss]?.[0]);
  }

  /** @returns The gradient's sum of squares, before it is clipped. */
  #moveAll({ groups, maxGradNorm = Infinity }: LossStage, move: Move): number {
    const moveBy = (gradientScale: number): number =>
      groups.reduce((sum, group) => sum + this.#move(group, move, gradientScale), 0);
    const squares = moveBy(1);
    // The norm is known only now; the state that was read is still there, so moving again is enough.
    const norm = Math.sqrt(squares);
    if (norm > maxGradNorm) moveBy(maxGradNorm / (norm + NORM_FLOOR));
    return squares;
  }

  #move(group: string, { from, to, rateScale }: Move, gradientScale: number): number {
    const optimizer = this.#store.optimizer(group);
    if (!optimizer) throw new RangeError(`group ${group} is moved but has no optimizer`);
    const move = {
      from: this.#store.state(group, from),
      to: this.#store.state(group, to),
      gradient: this.#store.gradient(group),
    };
    const learningRate = optimizer.learningRate * rateScale;
    const options = { ...optimizer, learningRate, gradientScale };
    const done = this.#steps - (this.#restarts.get(group) ?? 0);
    return this.#store.kernel.adam(move, options, done + 1);
  }

  /** Puts what a stage hands on where the optimiser, for want of a gradient, has left the old values. */
  #carry({ groups }: LossStage, outputs: Buffers, to: Turn): void {
    for (const group of groups) {
      const carried = named(outputs, port.carried(group, ""));
      if (carried.length === 0) continue;
      const tensors = this.#store.tensors(group, this.#store.state(group, to).parameters.values);
      for (const [name, values] of carried) tensors[name]?.set(values);
    }
  }

  #follow(from: Turn, to: Turn): void {
    for (const { target, source, tau } of this.algorithm.targets) {
      const move = {
        source: this.#store.state(source, to).parameters,
        from: this.#store.state(target, from).parameters,
        to: this.#store.state(target, to).parameters,
      };
      this.#store.kernel.polyak(move, tau);
    }
  }
}

/** @throws RangeError when a group is moved twice in one update: its first move would be lost. */
function checkStages(algorithm: Algorithm): void {
  const moved = algorithm.stages.flatMap((stage) => stage.groups);
  const twice = moved.find((group, i) => moved.indexOf(group) !== i);
  if (twice) throw new RangeError(`${algorithm.name} moves the group ${twice} in two stages`);
}

/** Buffers of one stage: it reads what earlier stages moved from the state being written. */
function bindStage(
  parts: {
    readonly stage: LossStage;
    readonly program: Program;
    readonly store: ParameterStore;
    readonly moved: readonly string[];
  },
  columns: { readonly batch: Buffers; readonly noise: Buffers; readonly shared: Buffers },
): CompiledStage {
  const { stage, program, store, moved } = parts;
  const gradients = stage.groups.flatMap((group) =>
    prefixed(store.tensors(group, store.gradient(group).values), port.gradient(group, "")),
  );
  const written = [...gradients, ...prefixed(columns.shared, port.shared(""))];
  const results = program.bind({ outputs: Object.fromEntries(written) }).outputs;
  const bindFor = (from: Turn): Binding => {
    const to: Turn = from === 0 ? 1 : 0;
    const parameters = store.groupNames.flatMap((group) => {
      const { values } = store.state(group, moved.includes(group) ? to : from).parameters;
      return prefixed(store.tensors(group, values), port.parameter(group, ""));
    });
    const inputs = Object.fromEntries([
      ...parameters,
      ...prefixed(columns.batch, port.batch("")),
      ...prefixed(columns.shared, port.batch("")),
      ...prefixed(columns.noise, port.noise("")),
    ]);
    return program.bind({ inputs, outputs: results });
  };
  return { stage, program, bindings: [bindFor(0), bindFor(1)], outputs: results };
}

function prefixed(buffers: Buffers, prefix: string): [string, Float32Array][] {
  return Object.entries(buffers).map(([name, data]) => [prefix + name, data]);
}

/** The buffers whose names start with `prefix`, under the rest of their names. */
function named(buffers: Buffers, prefix: string): [string, Float32Array][] {
  return Object.entries(buffers).flatMap(([name, data]): [string, Float32Array][] =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), data]] : [],
  );
}

function allocate(
  specs: readonly { readonly name: string; readonly shape: readonly number[] }[],
): Record<string, Float32Array> {
  const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  return Object.fromEntries(specs.map(({ name, shape }) => [name, new Float32Array(size(shape))]));
}

function fill(buffers: Buffers, columns: object): void {
  const given = columns as Readonly<Record<string, unknown>>;
  for (const [name, buffer] of Object.entries(buffers)) {
    const column = given[name];
    const hasType = column instanceof Float32Array || column instanceof Uint8Array;
    if (!hasType || column.length !== buffer.length) {
      throw new RangeError(`column ${name} is not a Float32Array of ${buffer.length}`);
    }
    buffer.set(column);
  }
}
