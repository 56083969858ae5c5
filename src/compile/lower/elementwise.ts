import { dataType, type OnnxType } from "../onnx.ts";
import type { Emitter } from "./emitter.ts";
import { Value } from "./value.ts";
import { align, type Part, readParts, regroup, type View } from "./view.ts";

/** Adds the nodes of one elementwise operation to the graph and returns the result's name. */
type Write = (emitter: Emitter, names: readonly string[]) => string;

/** One operation over operands that broadcast; axes along which no operand changes cost nothing. */
export function elementwise(
  emitter: Emitter,
  operands: readonly View[],
  result: { readonly type: OnnxType; readonly write: Write },
): View {
  const { cuts, parts, views } = align(emitter, operands);
  const slots = cuts.flat();
  const varying = slots.map((_, slot) => parts.some((own) => own[slot]?.axis !== null));
  const order = memoryOrder(views, parts, varying);
  const names = views.map((view, i) => {
    const own = parts[i] ?? [];
    return readParts(
      emitter,
      view,
      order.map((slot) => own[slot] ?? nothing),
    );
  });
  const name = result.write(emitter, names);
  const lengths = order.map((slot) => slots[slot] ?? 1);
  const value = Value.named(name, result.type, lengths);
  const made = slots.map((length, slot): Part => {
    const axis = order.indexOf(slot);
    return { length, axis: axis < 0 ? null : axis };
  });
  return { source: value, type: result.type, axes: regroup(made, cuts), exclusive: false };
}

const nothing: Part = { length: 1, axis: null };

/** The order for the result's axes: as the largest settled operand lies, if it has them all. */
function memoryOrder(
  views: readonly View[],
  parts: readonly (readonly Part[])[],
  varying: readonly boolean[],
): number[] {
  const logical = varying.flatMap((varies, slot) => (varies ? [slot] : []));
  for (const [i, { source }] of views.entries()) {
    const own = parts[i] ?? [];
    if (typeof source === "number") continue;
    if (!logical.every((slot) => own[slot]?.axis !== null)) continue;
    const orders = source.orders.map((order) =>
      order.flatMap((axis) => {
        const slot = own.findIndex((part) => part.axis === axis);
        return slot < 0 ? [] : [slot];
      }),
    );
    const natural = orders.find((order) => order.join() === logical.join());
    return natural ?? orders[0] ?? logical;
  }
  return logical;
}

const simple =
  (operator: string): Write =>
  (emitter, names) =>
    emitter.node(operator, names)[0];

/** x > 0 as 1 or 0: half the cost of a comparison and a cast, and exact for all normal numbers. */
const step: Write = (emitter, names) =>
  emitter.node("HardSigmoid", names, { alpha: { float: 3e38 }, beta: { float: 0 } })[0];

/** Rounds towards zero, which ONNX has no operator for. */
function truncated(emitter: Emitter, name: string): string {
  const [size] = emitter.node("Floor", emitter.node("Abs", [name]));
  return emitter.node("Mul", [size, ...emitter.node("Sign", [name])])[0];
}

const negated =
  (operator: string): Write =>
  (emitter, names) =>
    emitter.node("Not", emitter.node(operator, names))[0];

/** Operators that are one node, whatever the element type. */
const SAME: Readonly<Record<string, Write>> = {
  add: simple("Add"),
  sub: simple("Sub"),
  mul: simple("Mul"),
  div: simple("Div"),
  idiv: (emitter, names) => truncated(emitter, emitter.node("Div", names)[0]),
  mod: (emitter, names) => emitter.node("Mod", names, { fmod: 1 })[0],
  min: simple("Min"),
  max: simple("Max"),
  neg: simple("Neg"),
  reciprocal: simple("Reciprocal"),
  floor: simple("Floor"),
  ceil: simple("Ceil"),
  exp: simple("Exp"),
  log: simple("Log"),
  sqrt: simple("Sqrt"),
  sin: simple("Sin"),
  cos: simple("Cos"),
  asin: simple("Asin"),
  atan: simple("Atan"),
  erf: simple("Erf"),
  tanh: simple("Tanh"),
  sigmoid: simple("Sigmoid"),
  softplus: simple("Softplus"),
  relu: simple("Relu"),
  abs: simple("Abs"),
  sign: simple("Sign"),
  step,
};

/** Bools are added as Or and multiplied as And, as in NumPy. */
const ON_BOOLS: Readonly<Record<string, Write>> = {
  add: simple("Or"),
  max: simple("Or"),
  mul: simple("And"),
  min: simple("And"),
};

const BITWISE: Readonly<Record<string, readonly [onBools: string, onIntegers: string]>> = {
  and: ["And", "BitwiseAnd"],
  or: ["Or", "BitwiseOr"],
  xor: ["Xor", "BitwiseXor"],
};

const COMPARISONS: Readonly<Record<string, Write>> = {
  less: simple("Less"),
  less_equal: simple("LessOrEqual"),
  equal: simple("Equal"),
  not_equal: negated("Equal"),
};

/** How an elementwise operator is written, if it is one. */
export function elementwiseWriter(
  operator: string,
  parameters: Readonly<Record<string, unknown>>,
  type: OnnxType,
): Write | undefined {
  const variant = String(parameters["op"]);
  switch (operator) {
    case "idiv":
      return type === "int32" ? simple("Div") : SAME["idiv"];
    case "compare":
      return COMPARISONS[variant];
    case "where":
      return simple("Where");
    case "cast":
      return (emitter, names) => emitter.node("Cast", names, { to: dataType(type) })[0];
    case "erfc":
      return (emitter, names) =>
        emitter.node("Sub", [emitter.scalar(type, 1), ...emitter.node("Erf", names)])[0];
    case "bit_combine": {
      const [onBools, onIntegers] = BITWISE[variant] ?? [];
      const name = type === "bool" ? onBools : onIntegers;
      return name ? simple(name) : undefined;
    }
    default:
      return (type === "bool" ? ON_BOOLS : SAME)[operator];
  }
}
