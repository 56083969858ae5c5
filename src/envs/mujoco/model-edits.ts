import type { StartState } from "../env.ts";
import { MAX_MAGNITUDE, type Simulation } from "./engine.ts";
import { type ModelField, modelRow, type Row } from "./rows.ts";

/** Numbers of the compiled model that a task changes when an episode starts, e.g. a target's position. */
export interface ModelEdit {
  /** MuJoCo's field name, then the element's: geom_pos_target. */
  readonly name: string;
  readonly row: Row;
}

/** An edit of one element's field, e.g. ("geom_pos", "target"). */
export function modelEdit(simulation: Simulation, field: ModelField, element: string): ModelEdit {
  return { name: `${field}_${element}`, row: modelRow(simulation, field, element) };
}

/** The same of the field's first number alone, such as a sphere's radius in geom_size. */
export function scalarEdit(simulation: Simulation, field: ModelField, element: string): ModelEdit {
  const row = modelRow(simulation, field, element);
  return { name: `${field}_${element}`, row: () => row().subarray(0, 1) };
}

/** All edits of a task: they are part of its state, although the engine keeps them in the model. */
export class ModelEdits {
  readonly #edits: readonly ModelEdit[];
  /** The model's own numbers, in the order of the edits. */
  readonly #compiled: Float64Array;

  constructor(edits: readonly ModelEdit[]) {
    this.#edits = edits;
    this.#compiled = this.values();
  }

  /** Numbers in all edits together. */
  get size(): number {
    return this.#compiled.length;
  }

  /** Undoes all edits, to the last bit. */
  undo(): void {
    this.load(this.#compiled);
  }

  /** A copy of the numbers in force, edit after edit. */
  values(): Float64Array {
    return Float64Array.from(this.#edits.flatMap(({ row }) => [...row()]));
  }

  /** @param values As `values` returned them. */
  load(values: Float64Array): void {
    let start = 0;
    for (const { row } of this.#edits) {
      const target = row();
      const end = start + target.length;
      target.set(values.subarray(start, end));
      start = end;
    }
  }

  /** What is impossible about `changes`, or null. */
  problemOf(changes: NonNullable<StartState["edits"]>): string | null {
    for (const [name, values] of Object.entries(changes)) {
      const edit = this.#edits.find((candidate) => candidate.name === name);
      if (!edit) return `edits.${name} is unknown: the task edits ${this.#names()}`;
      const problem = problemOfNumbers(`edits.${name}`, values, edit.row().length);
      if (problem !== null) return problem;
    }
    return null;
  }

  /** @param changes Without a problem. */
  apply(changes: NonNullable<StartState["edits"]>): void {
    for (const { name, row } of this.#edits) {
      const values = changes[name];
      if (values) row().set(values);
    }
  }

  #names(): string {
    return this.#edits.map(({ name }) => name).join(", ") || "no model numbers";
  }
}

/** Why `values` cannot be written to `length` numbers of the engine, or null. */
export function problemOfNumbers(
  name: string,
  values: ArrayLike<number>,
  length: number,
): string | null {
  if (values.length !== length) return `${name} needs ${length} numbers, not ${values.length}`;
  const bad = Array.from(values).findIndex((value) => !(Math.abs(value) <= MAX_MAGNITUDE));
  return bad < 0 ? null : `${name}[${bad}] is ${values[bad]}`;
}
