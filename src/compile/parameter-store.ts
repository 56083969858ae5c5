import type { Algorithm, ParameterGroup } from "../algorithms/algorithm.ts";
import { type AdamState, OptimizerKernel, type Region } from "./optimizer-kernel.ts";

/** Where a tensor lies in its group's flat parameters. */
export interface LayoutEntry {
  readonly name: string;
  readonly shape: readonly number[];
  /** In elements. */
  readonly offset: number;
}

/** A float tensor by shape, as checkpoints keep it. */
export interface StateTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** Everything an update carries over, by name: `parameters/…`, `first/…`, `second/…`, `steps`, `restarts/…`. */
export type TrainState = Readonly<Record<string, StateTensor>>;

/** A state as a file may hold it, not yet checked. */
export type ForeignState = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: unknown }>
>;

/** One group's buffers: two states that take turns, and the gradient if the group is moved. */
interface StoredGroup {
  readonly group: ParameterGroup;
  readonly layout: readonly LayoutEntry[];
  readonly states: readonly [AdamState, AdamState];
  readonly gradient: Region;
}

/** Which of the two states: the one in force, or the one being written. */
export type Turn = 0 | 1;

type Part = "parameters" | "first" | "second";
const PARTS: readonly Part[] = ["parameters", "first", "second"];

/**
 * Parameters, Adam's moments and gradients of every group, flat, in the optimiser's memory. There are
 * two states: an update reads the one and writes the other, so nothing is lost if it is thrown away.
 */
export class ParameterStore {
  readonly kernel: OptimizerKernel;
  readonly #groups = new Map<string, StoredGroup>();

  constructor(algorithm: Pick<Algorithm, "groups">) {
    const { groups } = algorithm;
    const sizes = groups.map((group) => layoutOf(group).size);
    const floats = sizes.reduce((sum, size) => sum + size, 0);
    // Two states of three parts, and the gradient.
    this.kernel = new OptimizerKernel(7 * floats, 7 * groups.length);
    for (const group of groups) {
      const { entries, size } = layoutOf(group);
      this.#groups.set(group.name, {
        group,
        layout: entries,
        states: [this.#allocateState(size), this.#allocateState(size)],
        gradient: this.kernel.allocate(size),
      });
    }
  }

  get groupNames(): readonly string[] {
    return [...this.#groups.keys()];
  }

  layout(group: string): readonly LayoutEntry[] {
    return this.#group(group).layout;
  }

  state(group: string, turn: Turn): AdamState {
    return this.#group(group).states[turn];
  }

  gradient(group: string): Region {
    return this.#group(group).gradient;
  }

  optimizer(group: string): ParameterGroup["optimizer"] {
    return this.#group(group).group.optimizer;
  }

  /** A view of each tensor of `flat`, by name. */
  tensors(group: string, flat: Float32Array): Record<string, Float32Array> {
    return Object.fromEntries(
      this.layout(group).map(({ name, shape, offset }) => [
        name,
        flat.subarray(offset, offset + elements(shape)),
      ]),
    );
  }

  /** A copy of one turn's state; a group without an optimiser has parameters only. */
  exportTensors(turn: Turn): Record<string, StateTensor> {
    const entries = [...this.#groups.values()].flatMap(({ group, layout, states }) =>
      this.#partsOf(group).flatMap((part) =>
        layout.map(({ name, shape, offset }): [string, StateTensor] => [
          `${part}/${group.name}/${name}`,
          { shape, data: states[turn][part].values.slice(offset, offset + elements(shape)) },
        ]),
      ),
    );
    return Object.fromEntries(entries);
  }

  /** @throws RangeError naming a tensor that is missing or has another shape; then nothing is changed. */
  importTensors(tensors: ForeignState): void {
    const copies = [...this.#groups.values()].flatMap(({ group, layout, states }) =>
      this.#partsOf(group).flatMap((part) =>
        layout.map(({ name, shape, offset }) => {
          const path = `${part}/${group.name}/${name}`;
          const data = expectTensor(tensors[path], { path, shape });
          return () => {
            for (const state of states) state[part].values.set(data, offset);
          };
        }),
      ),
    );
    for (const copy of copies) copy();
  }

  #partsOf(group: ParameterGroup): readonly Part[] {
    return group.optimizer ? PARTS : ["parameters"];
  }

  #allocateState(size: number): AdamState {
    return {
      parameters: this.kernel.allocate(size),
      first: this.kernel.allocate(size),
      second: this.kernel.allocate(size),
    };
  }

  #group(name: string): StoredGroup {
    const stored = this.#groups.get(name);
    if (!stored) throw new RangeError(`no parameter group ${name}`);
    return stored;
  }
}

function expectTensor(
  tensor: ForeignState[string] | undefined,
  expected: { readonly path: string; readonly shape: readonly number[] },
): Float32Array {
  const { path, shape } = expected;
  if (!tensor) throw new RangeError(`the state has no tensor ${path}`);
  if (tensor.shape.join() !== shape.join() || !(tensor.data instanceof Float32Array)) {
    throw new RangeError(`${path} is [${tensor.shape.join()}], not float32 [${shape.join()}]`);
  }
  return tensor.data;
}

function layoutOf(group: ParameterGroup): { entries: LayoutEntry[]; size: number } {
  let offset = 0;
  const entries = group.parameters.map(({ name, shape }): LayoutEntry => {
    const entry = { name, shape, offset };
    offset += elements(shape);
    return entry;
  });
  return { entries, size: offset };
}

function elements(shape: readonly number[]): number {
  return shape.reduce((count, length) => count * length, 1);
}
