/** Lowers a traced program, equation by equation, to an ONNX graph. */
import { RunError } from "../../errors.ts";
import {
  type Atom,
  countUses,
  type ElementType,
  type Equation,
  sizeOf,
  type TracedProgram,
  type Variable,
} from "../ir.ts";
import type { OnnxPort, SerializeOptions } from "../onnx.ts";
import { dotViews } from "./contract.ts";
import { type Convolution, convolve } from "./convolution.ts";
import { elementwise, elementwiseWriter } from "./elementwise.ts";
import { Emitter, type SymbolicLength } from "./emitter.ts";
import { fuseBias } from "./gemm.ts";
import {
  broadcastView,
  concatViews,
  flipView,
  padView,
  reshapeView,
  shrinkView,
  splitView,
  transposeView,
} from "./movement.ts";
import { type Reduction, reduceView } from "./reduce.ts";
import { compressView, mergeViews } from "./rows.ts";
import { depositView, gatherView, type Selection, scatterView } from "./select.ts";
import { Value } from "./value.ts";
import { literalView, readWhole, shapeOf, type View, wholeView } from "./view.ts";

export interface LowerOptions {
  /** Names of the inputs and outputs, in the program's order. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly symbolic?: SymbolicLength;
  readonly serialize: SerializeOptions;
}

/**
 * The ONNX model of a program; every input and output is float32.
 *
 * @throws RunError COMPILE_UNSUPPORTED naming the operation and where it came from.
 */
export function lower(program: TracedProgram, options: LowerOptions): Uint8Array {
  const emitter = new Emitter(options.symbolic);
  const views = new Views();
  const inputs = program.inputs.map((input, i): OnnxPort => {
    const name = options.inputs[i] ?? `input${i}`;
    views.set(input, wholeView(Value.named(name, input.type, input.shape)));
    return { name, type: input.type, shape: input.shape };
  });
  for (const { variable, values } of program.constants) {
    const name = emitter.constant(variable.type, variable.shape, values);
    views.set(variable, wholeView(Value.named(name, variable.type, variable.shape)));
  }
  const uses = countUses(program);
  for (const equation of program.equations) {
    const operands = equation.inputs.map((input) => views.of(input));
    const results = lowerEquation(emitter, equation, operands);
    for (const [i, output] of equation.outputs.entries()) {
      const view = results[i];
      if (view) views.set(output, withExclusive(view, operands, uses.get(output) ?? 0));
    }
  }
  const outputs = program.outputs.map((atom, i) => {
    const name = options.outputs[i] ?? `output${i}`;
    const port: OnnxPort = { name, type: "float32", shape: atom.shape };
    return { port, from: readWhole(emitter, asType(emitter, views.of(atom), "float32")) };
  });
  return emitter.serialize(inputs, outputs, options.serialize);
}

/** What each variable has become. */
class Views {
  readonly #views = new Map<Variable, View>();

  set(variable: Variable, view: View): void {
    this.#views.set(variable, view);
  }

  of(atom: Atom): View {
    if (atom.kind === "literal") return literalView(atom.value, atom.type, atom.shape);
    const view = this.#views.get(atom);
    if (!view) throw new Error("a variable read before it is made");
    return view;
  }
}

/** Marks a view that has one reader, as has whatever it is a view of. */
function withExclusive(view: View, operands: readonly View[], uses: number): View {
  const original = operands.find((operand) => operand.source === view.source);
  return { ...view, exclusive: uses === 1 && (original?.exclusive ?? true) };
}

type Rule = (emitter: Emitter, operands: readonly View[], equation: Equation) => readonly View[];

const list = (value: unknown): number[] => value as number[];
const pairs = (value: unknown): [number, number][] => value as [number, number][];

/** A rule for an operation on one operand. */
const onOne =
  (rule: (emitter: Emitter, view: View, parameters: Equation["parameters"]) => View): Rule =>
  (emitter, [view], { parameters }) =>
    view ? [rule(emitter, view, parameters)] : [];

const RULES: Readonly<Record<string, Rule>> = {
  transpose: onOne((_, view, p) => transposeView(view, list(p["perm"]))),
  broadcast: onOne((_, view, p) => broadcastView(view, list(p["shape"]), list(p["axis"]))),
  reshape: onOne((emitter, view, p) => reshapeView(emitter, view, list(p["shape"]))),
  shrink: onOne((emitter, view, p) => shrinkView(emitter, view, pairs(p["slice"]))),
  flip: onOne((emitter, view, p) => flipView(emitter, view, list(p["axis"]))),
  pad: onOne((emitter, view, p) => padView(emitter, view, pairs(p["width"]))),
  reduce: onOne((emitter, view, p) =>
    reduceView(emitter, view, { op: p["op"] as Reduction, axis: list(p["axis"]) }),
  ),
  softmax: onOne((emitter, view) => alongLastAxis(emitter, view, "Softmax")),
  logSoftmax: onOne((emitter, view) => alongLastAxis(emitter, view, "LogSoftmax")),
  standardize: onOne((emitter, view) => standardized(emitter, view)[0]),
  inverseDeviation: onOne((emitter, view) => standardized(emitter, view)[1]),
  split: (emitter, [view], { parameters: p }) =>
    view ? splitView(emitter, view, { axis: Number(p["axis"]), sizes: list(p["sizes"]) }) : [],
  concatenate: (emitter, views, { parameters }) => [
    concatViews(emitter, views, Number(parameters["axis"])),
  ],
  compress: (emitter, views, { parameters, outputs }) => [
    compressView(emitter, views, {
      keep: parameters["keep"] === true,
      rows: outputs[0]?.shape[0] ?? 0,
    }),
  ],
  merge: (emitter, views) => [mergeViews(emitter, views)],
  dot: (emitter, [x, y]) => (x && y ? [dotViews(emitter, x, y)] : []),
  gather: (emitter, views, { parameters }) => [
    gatherView(emitter, views, parameters as unknown as Selection),
  ],
  scatter: (emitter, views, { parameters }) => [
    scatterView(
      emitter,
      views,
      parameters as unknown as Selection & { op: string; shape: number[] },
    ),
  ],
  deposit: (emitter, views) => [depositView(emitter, views)],
  conv: (emitter, views, { parameters }) => [
    convolve(emitter, views, parameters as unknown as Convolution),
  ],
};

function lowerEquation(
  emitter: Emitter,
  equation: Equation,
  operands: readonly View[],
): readonly View[] {
  const { operator, parameters, outputs } = equation;
  const rule = RULES[operator];
  if (rule) return rule(emitter, operands, equation);
  const type = outputs[0]?.type ?? "float32";
  const write = elementwiseWriter(operator, parameters, type);
  if (!write) {
    const message = `${equation.path}: the operation ${operator} cannot be compiled`;
    throw new RunError("COMPILE_UNSUPPORTED", message);
  }
  const [a, b] = operands;
  const fused = operator === "add" && a && b ? fuseBias(emitter, a, b) : undefined;
  return [fused ?? elementwise(emitter, coerced(emitter, operands, equation), { type, write })];
}

/** The operands under one element type: jax-js promotes silently, ONNX does not. */
function coerced(emitter: Emitter, operands: readonly View[], equation: Equation): View[] {
  const type = equation.outputs[0]?.type ?? "float32";
  switch (equation.operator) {
    case "cast":
      return [...operands];
    case "where":
      return operands.map((view, i) => asType(emitter, view, i === 0 ? "bool" : type));
    case "compare": {
      const common = commonType(operands);
      return operands.map((view) => asType(emitter, view, common));
    }
    default:
      return operands.map((view) => asType(emitter, view, type));
  }
}

/** The widest type of the tensors; a whole number takes theirs. */
function commonType(operands: readonly View[]): ElementType {
  const isWhole = (view: View): boolean =>
    typeof view.source === "number" && Number.isInteger(view.source);
  const tensors = operands.filter((view) => !isWhole(view)).map((view) => view.type);
  if (tensors.includes("float32") || tensors.length === 0) return "float32";
  return tensors.includes("int32") ? "int32" : "bool";
}

function asType(emitter: Emitter, view: View, type: ElementType): View {
  if (view.type === type) return view;
  if (typeof view.source === "number") return { ...view, type };
  const write = elementwiseWriter("cast", {}, type);
  if (!write) throw new Error("no cast");
  return elementwise(emitter, [view], { type, write });
}

/** Rows less their means over their deviations, and one over the deviations: two results of one node. */
function standardized(emitter: Emitter, view: View): [View, View] {
  const shape = shapeOf(view);
  const size = shape.at(-1) ?? 1;
  const ones = emitter.constant("float32", [size], new Array<number>(size).fill(1));
  const [name, , inverse = ""] = emitter.nodes(3, {
    operator: "LayerNormalization",
    inputs: [readWhole(emitter, view), ones],
    attributes: { axis: -1, epsilon: { float: 1e-6 } },
  });
  return [
    wholeView(Value.named(name, "float32", shape)),
    wholeView(Value.named(inverse, "float32", shape.with(-1, 1))),
  ];
}

function alongLastAxis(emitter: Emitter, view: View, operator: string): View {
  const { type } = view;
  const shape = view.axes.map((axis) => sizeOf(axis.map((part) => part.length)));
  const [name] = emitter.node(operator, [readWhole(emitter, view)], { axis: -1 });
  return wholeView(Value.named(name, type, shape));
}
