/**
 * Runs a function once on stand-ins and writes down what it does. With ops.ts and tensor.ts the only
 * file here that needs jax-js.
 */
import { type ClosedJaxpr, type Jaxpr, makeJaxpr, numpy as np } from "@jax-js/jax";
import { RunError } from "../errors.ts";
import {
  type Atom,
  type Constant,
  type ElementType,
  type Equation,
  literal,
  type TracedProgram,
  type Variable,
  variable,
} from "./ir.ts";
import { simplify } from "./simplify.ts";
import { adopt, peek, type Tensor } from "./tensor.ts";

/**
 * Functions of ops.ts that stay one operation, and how many arguments they have; they close over no
 * arrays. The rest of the nested functions are inlined.
 */
const NAMED_FUNCTIONS: ReadonlyMap<string, number> = new Map([
  ["tanh", 1],
  ["sigmoid", 1],
  ["softplus", 1],
  ["relu", 1],
  ["step", 1],
  ["abs", 1],
  ["sign", 1],
  ["softmax", 1],
  ["logSoftmax", 1],
  ["standardize", 1],
  ["inverseDeviation", 1],
  ["deposit", 3],
]);

type JaxAtom = Jaxpr["outs"][number];
type JaxVariable = Jaxpr["inBinders"][number];
type Tracing = (...standIns: np.Array[]) => { readonly jaxpr: ClosedJaxpr };
type JaxEquation = Jaxpr["eqns"][number];

/**
 * Traces `fn` over float32 inputs of the given shapes.
 *
 * @throws RunError COMPILE_UNSUPPORTED for an element type that cannot be compiled.
 */
export function trace(
  name: string,
  fn: (inputs: Tensor[]) => Tensor[],
  shapes: readonly (readonly number[])[],
): TracedProgram {
  const flat = (...inputs: np.Array[]): np.Array[] => fn(inputs.map(adopt)).map(peek);
  const standIns = shapes.map((shape) => np.zeros([...shape]));
  const { jaxpr: closed } = (makeJaxpr(flat) as unknown as Tracing)(...standIns);
  const recorder = new Recorder();
  const constants = closed.consts.map((values, i): Constant => {
    const binder = closed.jaxpr.inBinders[i];
    if (!binder) throw new Error("a constant without a variable");
    const data = (values as np.Array).ref.dataSync();
    return { variable: recorder.bind(binder, name), values: Array.from(data as Float32Array) };
  });
  const inputs = closed.jaxpr.inBinders
    .slice(constants.length)
    .map((binder) => recorder.bind(binder, name));
  recorder.inline(closed.jaxpr, name);
  closed.dispose();
  const outputs = closed.jaxpr.outs.map((out) => recorder.atom(out, name));
  return simplify({ inputs, constants, equations: recorder.equations, outputs });
}

class Recorder {
  readonly equations: Equation[] = [];
  readonly #atoms = new Map<JaxVariable, Atom>();

  atom(source: JaxAtom, path: string): Atom {
    if ("value" in source) {
      return literal(Number(source.value), [], elementType(source.aval.dtype, path));
    }
    const atom = this.#atoms.get(source);
    if (!atom) throw new Error("a variable that no equation defines");
    return atom;
  }

  bind(binder: JaxVariable, path: string): Variable {
    const made = variable([...binder.aval.shape], elementType(binder.aval.dtype, path));
    this.#atoms.set(binder, made);
    return made;
  }

  inline(jaxpr: Jaxpr, path: string): void {
    const used = new Set<unknown>([...jaxpr.outs, ...jaxpr.eqns.flatMap((eqn) => eqn.inputs)]);
    for (const eqn of jaxpr.eqns) {
      if (eqn.primitive === "jit") this.#call(eqn, used, path);
      else this.#record(eqn, path);
    }
  }

  #record(eqn: JaxEquation, path: string): void {
    this.equations.push({
      operator: eqn.primitive,
      inputs: eqn.inputs.map((input) => this.atom(input, path)),
      parameters: eqn.params,
      outputs: eqn.outBinders.map((binder) => this.bind(binder, path)),
      path,
    });
  }

  /** A nested function: kept whole if it is ours and only its value is wanted, inlined otherwise. */
  #call(eqn: JaxEquation, used: ReadonlySet<unknown>, path: string): void {
    const { name, jaxpr } = eqn.params as { name: string; jaxpr: Jaxpr };
    const base = name.replace(/_jvp$/, "");
    const [value, ...rest] = eqn.outBinders;
    const onlyValue = rest.every((binder) => !used.has(binder));
    const arity = NAMED_FUNCTIONS.get(base);
    if (value && arity !== undefined && onlyValue) {
      // Of a differentiated function the first inputs and the first output are the value's.
      this.equations.push({
        operator: base,
        inputs: eqn.inputs.slice(0, arity).map((input) => this.atom(input, path)),
        parameters: {},
        outputs: [this.bind(value, path)],
        path,
      });
      return;
    }
    for (const [i, binder] of jaxpr.inBinders.entries()) {
      const argument = eqn.inputs[i];
      if (argument) this.#atoms.set(binder, this.atom(argument, path));
    }
    this.inline(jaxpr, `${path} > ${base}`);
    for (const [i, binder] of eqn.outBinders.entries()) {
      const result = jaxpr.outs[i];
      if (result) this.#atoms.set(binder, this.atom(result, path));
    }
  }
}

function elementType(dtype: string, path: string): ElementType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new RunError("COMPILE_UNSUPPORTED", `${path}: tensors of ${dtype} cannot be compiled`);
}
