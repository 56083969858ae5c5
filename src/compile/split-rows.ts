/**
 * Computes rows only where they are not zero.
 *
 * The gradient of min(q1, q2) flows, row by row, to one of two networks, and jax-js sends zeros through the
 * other:
 *
 *     add(f(where(c, a, 0)), g(where(c, 0, b)))        c: one bool per row
 *
 * If f and g treat each row by itself and keep zero rows zero, f need only see the rows where c holds and
 * g the others: half of the work of two backward passes. Rows are axis 0 all along.
 */
import {
  type Atom,
  countUses,
  dropDead,
  type Equation,
  literal,
  type TracedProgram,
  type Variable,
  variable,
} from "./ir.ts";

/** Stands for the number of rows kept, which only the data know: a prime that no length has. */
export const KEPT_ROWS = 1_000_003;

/** Fewer rows than this are not worth the extra operations. */
const MIN_ROWS = 64;

/** A path of equations from a `where` down to a result, each read only by the next. */
interface Chain {
  readonly condition: Variable;
  /** Rows on which the condition has this value are not zero. */
  readonly keep: boolean;
  /** The branch of the `where` that is not zero. */
  readonly branch: Atom;
  readonly start: Variable;
  readonly equations: readonly Equation[];
}

export function splitRows(program: TracedProgram): TracedProgram {
  const splitter = new Splitter(program);
  const equations = program.equations.flatMap((equation) => splitter.rewrite(equation));
  return { ...program, equations: dropDead(equations, program.outputs) };
}

class Splitter {
  readonly #definitions = new Map<Variable, Equation>();
  readonly #uses: Map<Variable, number>;

  constructor(program: TracedProgram) {
    this.#uses = countUses(program);
    for (const equation of program.equations) {
      for (const output of equation.outputs) this.#definitions.set(output, equation);
    }
  }

  rewrite(equation: Equation): Equation[] {
    const [a, b] = equation.inputs;
    if (equation.operator !== "add" || !(a && b)) return [equation];
    const [left, right] = [this.#chainTo(a), this.#chainTo(b)];
    if (!(left && right) || left.condition !== right.condition || left.keep === right.keep) {
      return [equation];
    }
    const parts = [left, right].map((chain) => this.#onKeptRows(chain));
    const results = parts.map(({ result }) => result);
    const ordered = left.keep ? results : results.toReversed();
    const merge = { ...equation, operator: "merge", inputs: [left.condition, ...ordered] };
    return [...parts.flatMap(({ equations }) => equations), merge];
  }

  /** The chain that ends in `end`, if it starts at a `where` and holds a product worth halving. */
  #chainTo(end: Atom): Chain | undefined {
    const equations: Equation[] = [];
    let current = end;
    for (;;) {
      if (current.kind !== "variable" || this.#uses.get(current) !== 1) return undefined;
      const equation = this.#definitions.get(current);
      if (!equation) return undefined;
      if (equation.operator === "where") {
        const hasProduct = equations.some(({ operator }) => operator === "dot");
        return hasProduct ? chainFrom(equation, current, equations.toReversed()) : undefined;
      }
      const next = rowwiseInput(equation, (atom) => this.#leadsToWhere(atom));
      if (!next) return undefined;
      equations.push(equation);
      current = next;
    }
  }

  #leadsToWhere(atom: Atom): boolean {
    if (atom.kind !== "variable" || this.#uses.get(atom) !== 1) return false;
    const equation = this.#definitions.get(atom);
    if (!equation) return false;
    if (equation.operator === "where") return true;
    return rowwiseInput(equation, (input) => this.#leadsToWhere(input)) !== undefined;
  }

  /** The chain's equations over the kept rows alone. */
  #onKeptRows(chain: Chain): { readonly equations: Equation[]; readonly result: Variable } {
    const { condition, keep, branch, start } = chain;
    const equations: Equation[] = [];
    const path = chain.equations[0]?.path ?? "";
    const rows = condition.shape[0] ?? 0;
    const add = (operator: string, inputs: readonly Atom[], like: Variable): Variable => {
      const output = variable([KEPT_ROWS, ...like.shape.slice(1)], like.type);
      const parameters = operator === "compress" ? { keep } : {};
      equations.push({ operator, inputs, parameters, outputs: [output], path });
      return output;
    };
    const compress = (atom: Atom): Atom => {
      if (atom.shape[0] !== rows) return atom;
      if (atom.kind === "literal")
        return literal(atom.value, [KEPT_ROWS, ...atom.shape.slice(1)], atom.type);
      const definition = this.#definitions.get(atom);
      const [argument] = definition?.inputs ?? [];
      // A mask is cheaper to make of the kept rows than to make first and cut then.
      if (definition?.operator === "step" && argument?.kind === "variable") {
        return add("step", [add("compress", [argument, condition], argument)], atom);
      }
      return add("compress", [atom, condition], atom);
    };
    const replaced = new Map<Atom, Atom>([[start, compress(branch)]]);
    let result = start;
    for (const equation of chain.equations) {
      const inputs = equation.inputs.map((input) => replaced.get(input) ?? compress(input));
      const [output] = equation.outputs;
      if (!output) continue;
      result = variable([KEPT_ROWS, ...output.shape.slice(1)], output.type);
      equations.push({
        ...equation,
        inputs,
        parameters: withKeptRows(equation.parameters),
        outputs: [result],
      });
      replaced.set(output, result);
    }
    return { equations, result };
  }
}

function chainFrom(
  where: Equation,
  start: Variable,
  equations: readonly Equation[],
): Chain | undefined {
  const [condition, yes, no] = where.inputs;
  if (condition?.kind !== "variable" || !(yes && no)) return undefined;
  const [rows = 0] = condition.shape;
  const isPerRow = condition.shape.length === 1 && start.shape.length === 1 && rows >= MIN_ROWS;
  const isZero = (atom: Atom): boolean => atom.kind === "literal" && atom.value === 0;
  if (!isPerRow || isZero(yes) === isZero(no)) return undefined;
  const keep = isZero(no);
  const branch = keep ? yes : no;
  return { condition, keep, branch: perRow(branch, rows), start, equations };
}

/** A branch that is one number for all rows, written for each. */
function perRow(atom: Atom, rows: number): Atom {
  return atom.kind === "literal" ? literal(atom.value, [rows], atom.type) : atom;
}

/** The input whose zero rows the equation keeps, if it treats rows one by one. */
function rowwiseInput(equation: Equation, accepts: (atom: Atom) => boolean): Variable | undefined {
  const { operator, inputs, parameters, outputs } = equation;
  const [first, second] = inputs;
  const [output] = outputs;
  if (first?.kind !== "variable" || !output) return undefined;
  const rows = output.shape[0];
  switch (operator) {
    case "reshape":
      return first.shape[0] === rows ? first : undefined;
    case "broadcast":
      return first.shape[0] === rows && !list(parameters["axis"]).includes(0) ? first : undefined;
    case "transpose":
      return list(parameters["perm"])[0] === 0 ? first : undefined;
    case "neg":
      return first;
    case "mul":
    case "dot":
      return second ? productInput([first, second], rows, accepts) : undefined;
    default:
      return undefined;
  }
}

/** Of a product's two sides the one with the zero rows; the other has the same rows, or one for all. */
function productInput(
  sides: readonly [Atom, Atom],
  rows: number | undefined,
  accepts: (atom: Atom) => boolean,
): Variable | undefined {
  const [rankA, rankB] = sides.map((side) => side.shape.length);
  if (rankA !== rankB) return undefined;
  for (const [i, side] of sides.entries()) {
    const other = sides[1 - i];
    const isFlat = other?.shape[0] === 1 || other?.shape[0] === rows;
    if (side.kind === "variable" && side.shape[0] === rows && isFlat && accepts(side)) return side;
  }
  return undefined;
}

/** Shapes among the parameters with the kept rows in place of all. */
function withKeptRows(parameters: Equation["parameters"]): Equation["parameters"] {
  const { shape } = parameters;
  return Array.isArray(shape)
    ? { ...parameters, shape: [KEPT_ROWS, ...shape.slice(1)] }
    : parameters;
}

function list(value: unknown): readonly number[] {
  return value as readonly number[];
}
