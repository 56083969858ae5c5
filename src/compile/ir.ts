/** What a traced function becomes before it is lowered: a list of equations over whole tensors. */

export type ElementType = "float32" | "int32" | "bool";

/** The result of an equation, or an input. Compared by identity. */
export interface Variable {
  readonly kind: "variable";
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** A tensor that holds one number everywhere; bools are 0 and 1. */
export interface Literal {
  readonly kind: "literal";
  readonly shape: readonly number[];
  readonly type: ElementType;
  readonly value: number;
}

export type Atom = Variable | Literal;

/** `operator` is a jax-js primitive or a name from `NAMED_FUNCTIONS`; `sub` and `div` are ours. */
export interface Equation {
  readonly operator: string;
  readonly inputs: readonly Atom[];
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly outputs: readonly Variable[];
  /** Names of the enclosing functions, for error messages. */
  readonly path: string;
}

export interface Constant {
  readonly variable: Variable;
  readonly values: readonly number[];
}

export interface TracedProgram {
  readonly inputs: readonly Variable[];
  readonly constants: readonly Constant[];
  readonly equations: readonly Equation[];
  readonly outputs: readonly Atom[];
}

export function variable(shape: readonly number[], type: ElementType): Variable {
  return { kind: "variable", shape, type };
}

export function literal(value: number, shape: readonly number[], type: ElementType): Literal {
  const stored = type === "float32" ? Math.fround(value) : type === "int32" ? value | 0 : value;
  return { kind: "literal", shape, type, value: stored };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, i) => length === b[i]);
}

/** How often each variable is read, by equations and as an output. */
export function countUses(
  program: Pick<TracedProgram, "equations" | "outputs">,
): Map<Variable, number> {
  const uses = new Map<Variable, number>();
  const read = (atom: Atom): void => {
    if (atom.kind === "variable") uses.set(atom, (uses.get(atom) ?? 0) + 1);
  };
  for (const equation of program.equations) equation.inputs.forEach(read);
  program.outputs.forEach(read);
  return uses;
}

/** Drops equations whose results nobody reads. */
export function dropDead(
  equations: readonly Equation[],
  outputs: readonly Atom[],
): readonly Equation[] {
  const live = new Set<Atom>(outputs);
  const kept: Equation[] = [];
  for (const equation of equations.toReversed()) {
    if (!equation.outputs.some((output) => live.has(output))) continue;
    kept.push(equation);
    for (const input of equation.inputs) live.add(input);
  }
  return kept.reverse();
}
