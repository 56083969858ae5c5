/**
 * Rewrites a traced program into a smaller one with the same results: constants folded, repeated
 * work shared, `a + (-b)` a subtraction, and so the `x - stop(x)` of ops.ts a zero that vanishes.
 */
import {
  type Atom,
  countUses,
  dropDead,
  type Equation,
  type Literal,
  literal,
  sameShape,
  sizeOf,
  type TracedProgram,
  type Variable,
} from "./ir.ts";

/** Movements of a constant are constants of another shape. */
const MOVEMENTS: ReadonlySet<string> = new Set([
  "transpose",
  "reshape",
  "broadcast",
  "flip",
  "shrink",
]);
const COMMUTATIVE: ReadonlySet<string> = new Set(["add", "mul", "min", "max"]);

const UNARY: Readonly<Record<string, (x: number) => number>> = {
  neg: (x) => -x,
  reciprocal: (x) => 1 / x,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  floor: Math.floor,
  ceil: Math.ceil,
  tanh: Math.tanh,
  abs: Math.abs,
  sign: Math.sign,
  relu: (x) => Math.max(x, 0),
  step: (x) => (x > 0 ? 1 : 0),
};
const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
};

/** Simplifies until nothing changes, a few rounds at most. */
export function simplify(program: TracedProgram): TracedProgram {
  let current = program;
  for (let round = 0; round < 8; round++) {
    const next = new Rewriter(current).run();
    if (next.equations.length === current.equations.length && round > 0) return next;
    current = next;
  }
  return current;
}

class Rewriter {
  readonly #program: TracedProgram;
  readonly #replacements = new Map<Variable, Atom>();
  readonly #definitions = new Map<Variable, Equation>();
  readonly #uses: Map<Variable, number>;
  readonly #seen = new Map<string, Equation>();
  readonly #ids = new Map<Variable, number>();
  #equations: Equation[] = [];

  constructor(program: TracedProgram) {
    this.#program = program;
    this.#uses = countUses(program);
  }

  run(): TracedProgram {
    const constants = this.#program.constants.filter(({ variable: made, values }) => {
      const [first] = values;
      const uniform = first !== undefined && values.every((value) => Object.is(value, first));
      if (uniform) this.#replacements.set(made, literal(first, made.shape, made.type));
      return !uniform && (this.#uses.get(made) ?? 0) > 0;
    });
    for (const equation of this.#program.equations) this.#visit(equation);
    const outputs = this.#program.outputs.map((output) => this.#resolve(output));
    const equations = dropDead(this.#equations, outputs);
    return { inputs: this.#program.inputs, constants, equations, outputs };
  }

  #resolve(atom: Atom): Atom {
    return atom.kind === "variable" ? (this.#replacements.get(atom) ?? atom) : atom;
  }

  #visit(original: Equation): void {
    const inputs = original.inputs.map((input) => this.#resolve(input));
    const [output] = original.outputs;
    const equation = this.#canonical({ ...original, inputs });
    if (output && equation.outputs.length === 1) {
      const replacement = this.#fold(equation, output);
      if (replacement) {
        this.#replacements.set(output, replacement);
        return;
      }
    }
    const key = this.#key(equation);
    const twin = this.#seen.get(key);
    if (twin) {
      for (const [i, made] of equation.outputs.entries()) {
        const same = twin.outputs[i];
        if (same) this.#replacements.set(made, same);
      }
      return;
    }
    this.#seen.set(key, equation);
    for (const made of equation.outputs) this.#definitions.set(made, equation);
    this.#equations.push(equation);
  }

  /** The atom that an equation's result is equal to, if it is something simpler. */
  #fold(equation: Equation, output: Variable): Atom | undefined {
    const [a, b] = equation.inputs;
    if (!a) return undefined;
    if (equation.operator === "stop_gradient") return a;
    if (a.kind === "literal" && equation.inputs.every((input) => input.kind === "literal")) {
      return foldLiterals(equation, equation.inputs as Literal[], output);
    }
    if (b && equation.inputs.length === 2) return foldBinary(equation.operator, [a, b], output);
    return movesNothing(equation, a) ? a : undefined;
  }

  /** Rewrites an equation by the definitions of its inputs: subtractions, divisions, scalings. */
  #canonical(equation: Equation): Equation {
    const [a, b] = equation.inputs;
    if (!(a && b)) return equation;
    switch (equation.operator) {
      case "add":
        return this.#asSubtraction(equation, a, b);
      case "mul":
        return this.#asDivision(this.#asScaling(equation, a, b));
      default:
        return equation;
    }
  }

  #asSubtraction(equation: Equation, a: Atom, b: Atom): Equation {
    if (equation.outputs[0]?.type === "bool") return equation;
    const subtracted = this.#argumentOf("neg", b);
    if (subtracted) return { ...equation, operator: "sub", inputs: [a, subtracted] };
    const flipped = this.#argumentOf("neg", a);
    if (flipped) return { ...equation, operator: "sub", inputs: [b, flipped] };
    if (a === b && equation.outputs[0]?.type === "float32") {
      return { ...equation, operator: "mul", inputs: [a, literal(2, [], "float32")] };
    }
    return equation;
  }

  #asDivision(equation: Equation): Equation {
    const [a, b] = equation.inputs;
    if (equation.operator !== "mul" || !(a && b)) return equation;
    const divisor = this.#argumentOf("reciprocal", b);
    if (divisor) return { ...equation, operator: "div", inputs: [a, divisor] };
    const other = this.#argumentOf("reciprocal", a);
    return other ? { ...equation, operator: "div", inputs: [b, other] } : equation;
  }

  /** (x * c) * d is x * (c d), if nobody else reads x * c. */
  #asScaling(equation: Equation, a: Atom, b: Atom): Equation {
    const [x, factor] = a.kind === "literal" ? [b, a] : [a, b];
    if (factor.kind !== "literal" || x.kind !== "variable") return equation;
    const inner = this.#definitions.get(x);
    if (inner?.operator === "reduce") return this.#asMean(equation, inner, factor.value);
    if (inner?.operator !== "mul" || this.#uses.get(x) !== 1 || x.type !== "float32")
      return equation;
    const [y, scale] = inner.inputs;
    if (!y || scale?.kind !== "literal" || !sameShape(y.shape, x.shape)) return equation;
    const product = literal(factor.value * scale.value, factor.shape, "float32");
    return { ...equation, inputs: [y, product] };
  }

  /** A sum of everything divided by its count is a mean, one operation. */
  #asMean(equation: Equation, sum: Equation, factor: number): Equation {
    const [x] = sum.inputs;
    const [total] = sum.outputs;
    const isSum = sum.parameters["op"] === "Add" && total?.type === "float32";
    if (!(x && total && isSum) || total.shape.length > 0 || this.#uses.get(total) !== 1) {
      return equation;
    }
    if (Math.abs(factor * sizeOf(x.shape) - 1) > 1e-6) return equation;
    const parameters = { ...sum.parameters, op: "Mean" };
    return { ...equation, operator: "reduce", inputs: [x], parameters };
  }

  /** y if `atom` is operator(y) and read only once, so that the operator itself disappears. */
  #argumentOf(operator: string, atom: Atom): Atom | undefined {
    if (atom.kind !== "variable") return undefined;
    const definition = this.#definitions.get(atom);
    if (definition?.operator !== operator) return undefined;
    const free = operator === "neg" || this.#uses.get(atom) === 1;
    return free ? definition.inputs[0] : undefined;
  }

  #key(equation: Equation): string {
    const names = equation.inputs.map((input) =>
      input.kind === "variable"
        ? `v${this.#id(input)}`
        : `${input.type}${input.value}[${input.shape.join()}]`,
    );
    if (COMMUTATIVE.has(equation.operator)) names.sort();
    return `${equation.operator}(${names.join(";")})${JSON.stringify(equation.parameters)}`;
  }

  #id(atom: Variable): number {
    const known = this.#ids.get(atom);
    if (known !== undefined) return known;
    this.#ids.set(atom, this.#ids.size);
    return this.#ids.size - 1;
  }
}

function foldLiterals(
  equation: Equation,
  inputs: readonly Literal[],
  output: Variable,
): Atom | undefined {
  const [a, b] = inputs;
  const { operator } = equation;
  if (!a) return undefined;
  const folded = (value: number): Literal => literal(value, output.shape, output.type);
  if (MOVEMENTS.has(operator)) return folded(a.value);
  if (operator === "cast") return folded(output.type === "bool" ? Number(a.value !== 0) : a.value);
  if (operator === "pad" && a.value === 0) return folded(0);
  if (operator === "dot" && b) return folded(a.value * b.value * lastLength(a, b));
  if (operator === "reduce") return foldReduction(equation, a, output);
  if (output.type === "bool") return undefined;
  const unary = UNARY[operator];
  if (unary && inputs.length === 1) return folded(unary(a.value));
  const binary = BINARY[operator];
  return binary && b ? folded(binary(a.value, b.value)) : undefined;
}

function lastLength(a: Literal, b: Literal): number {
  return Math.max(a.shape.at(-1) ?? 1, b.shape.at(-1) ?? 1);
}

function foldReduction(equation: Equation, a: Literal, output: Variable): Atom | undefined {
  const count = sizeOf(a.shape) / sizeOf(output.shape);
  if (equation.parameters["op"] === "Add" && a.type !== "bool") {
    return literal(a.value * count, output.shape, output.type);
  }
  return equation.parameters["op"] === "Mul"
    ? undefined
    : literal(a.value, output.shape, output.type);
}

/** What a and b make if one of them is 0, or 1, or they are the same. */
function foldBinary(operator: string, [a, b]: [Atom, Atom], output: Variable): Atom | undefined {
  if (output.type === "bool") return undefined;
  switch (operator) {
    case "sub":
      return a === b ? zeroLike(output) : withNeutral([b, a], 0, output);
    case "add":
      return withNeutral([a, b], 0, output) ?? withNeutral([b, a], 0, output);
    case "mul":
      if (isNumber(a, 0) || isNumber(b, 0)) return zeroLike(output);
      return withNeutral([a, b], 1, output) ?? withNeutral([b, a], 1, output);
    case "dot":
      return isNumber(a, 0) || isNumber(b, 0) ? zeroLike(output) : undefined;
    case "div":
      return isNumber(a, 0) ? zeroLike(output) : undefined;
    default:
      return undefined;
  }
}

function isNumber(atom: Atom, value: number): boolean {
  return atom.kind === "literal" && atom.value === value;
}

function zeroLike(output: Variable): Literal {
  return literal(0, output.shape, output.type);
}

/** `other` if `first` is the number that changes nothing and `other` has the result's form already. */
function withNeutral(
  [first, other]: readonly [Atom, Atom],
  neutral: number,
  output: Variable,
): Atom | undefined {
  if (!isNumber(first, neutral)) return undefined;
  return sameShape(other.shape, output.shape) && other.type === output.type ? other : undefined;
}

function movesNothing(equation: Equation, input: Atom): boolean {
  const { operator, parameters } = equation;
  switch (operator) {
    case "reshape":
    case "broadcast":
      return sameShape(input.shape, parameters["shape"] as number[]);
    case "transpose":
      return (parameters["perm"] as number[]).every((from, to) => from === to);
    case "cast":
      return input.type === parameters["dtype"];
    case "reduce":
      return (parameters["axis"] as number[]).length === 0;
    default:
      return false;
  }
}
