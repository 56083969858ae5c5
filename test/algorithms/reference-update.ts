import { defaultDevice, init, jit } from "@jax-js/jax";
import type { Algorithm, LossInputs, LossStage } from "../../src/algorithms/algorithm.ts";
import type { ParameterValues } from "../../src/algorithms/networks.ts";
import { fromArray, read, type Tensor, valueAndGrad } from "../../src/compile/ops.ts";

export type Columns = Readonly<Record<string, Float32Array>>;
type TensorRecord = Readonly<Record<string, Tensor>>;

/** What one stage of an update computed, as numbers. */
export interface StageNumbers {
  readonly loss: number;
  readonly metrics: Record<string, number>;
  readonly perSample: Record<string, Float32Array>;
  /** By group, then parameter. */
  readonly gradients: ParameterValues;
  /** What is handed on as it is, by group and parameter. */
  readonly carried: ParameterValues;
}

/** What jax-js makes of a stage. */
type Differentiated = (inputs: LossInputs) => {
  readonly loss: Tensor;
  readonly metrics: TensorRecord;
  readonly perSample: TensorRecord;
  readonly carried: Readonly<Record<string, TensorRecord>>;
  readonly gradients: Readonly<Record<string, TensorRecord>>;
};

/**
 * An algorithm's update at its plainest: losses and gradients from jax-js, Adam and the targets as
 * loops over float64. What every executor is held against.
 */
export class ReferenceUpdate {
  readonly algorithm: Algorithm;
  readonly parameters: ParameterValues;
  /** Adam's moments of the moved groups. */
  readonly first: ParameterValues;
  readonly second: ParameterValues;
  readonly #traced = new Map<LossStage, Differentiated>();
  #steps = 0;

  constructor(algorithm: Algorithm, parameters: ParameterValues) {
    this.algorithm = algorithm;
    this.parameters = structuredClone(parameters);
    this.first = zerosLike(algorithm, parameters);
    this.second = zerosLike(algorithm, parameters);
  }

  /** One update; returns what each stage computed, by stage name. */
  async step(batch: Columns, noise: Columns): Promise<Record<string, StageNumbers>> {
    this.#steps++;
    const results: Record<string, StageNumbers> = {};
    for (const stage of this.algorithm.stages) {
      const numbers = await this.evaluate(stage, batch, noise);
      this.#orthogonalise(numbers.gradients);
      const scale = gradientScale(numbers.gradients, stage.maxGradNorm);
      for (const group of stage.groups) this.#adam(group, numbers.gradients[group]!, scale);
      for (const [group, tensors] of Object.entries(numbers.carried)) {
        for (const [name, data] of Object.entries(tensors)) {
          this.parameters[group]![name]!.set(data);
        }
      }
      results[stage.name] = numbers;
    }
    for (const { target, source, tau } of this.algorithm.targets) {
      for (const [name, slow] of Object.entries(this.parameters[target]!)) {
        const quick = this.parameters[source]![name]!;
        for (let i = 0; i < slow.length; i++) slow[i] = tau * quick[i]! + (1 - tau) * slow[i]!;
      }
    }
    return results;
  }

  /** In the groups that ask for it: g - (w . g / w . w) w, as long as g was. */
  #orthogonalise(gradients: ParameterValues): void {
    for (const { name: group, orthogonalGradient } of this.algorithm.groups) {
      if (!orthogonalGradient) continue;
      for (const [name, gradient] of Object.entries(gradients[group] ?? {})) {
        if (gradient.length === 1) continue;
        const weights = this.parameters[group]![name]!;
        const share = dot(weights, gradient) / (dot(weights, weights) + 1e-30);
        const across = Float64Array.from(gradient, (g, i) => g - share * weights[i]!);
        const scale = Math.sqrt(dot(gradient, gradient) / (dot(across, across) + 1e-30));
        for (const [i, g] of across.entries()) gradient[i] = scale * g;
      }
    }
  }

  /** A stage's loss and gradient at the present parameters, which stay. */
  async evaluate(stage: LossStage, batch: Columns, noise: Columns): Promise<StageNumbers> {
    await init("wasm");
    defaultDevice("wasm");
    const { algorithm } = this;
    const results = this.#differentiated(stage)({
      parameters: Object.fromEntries(
        algorithm.groups.map((group) => [
          group.name,
          tensorsOf(group.parameters, this.parameters[group.name]!),
        ]),
      ),
      batch: tensorsOf(algorithm.batch, batch),
      noise: tensorsOf(algorithm.noise, noise),
    });
    const gradients: ParameterValues = {};
    for (const [group, tensors] of Object.entries(results.gradients)) {
      gradients[group] = await readAll(tensors);
    }
    const carried: ParameterValues = {};
    for (const [group, tensors] of Object.entries(results.carried)) {
      carried[group] = await readAll(tensors);
    }
    const metrics = Object.entries(await readAll(results.metrics));
    return {
      loss: (await readFloats(results.loss))[0]!,
      metrics: Object.fromEntries(metrics.map(([key, data]) => [key, data[0]!])),
      perSample: await readAll(results.perSample),
      gradients,
      carried,
    };
  }

  /** The stage with its derivative, traced by jax-js at the first call. It consumes its inputs. */
  #differentiated(stage: LossStage): Differentiated {
    const known = this.#traced.get(stage);
    if (known) return known;
    const differentiate: Differentiated = (inputs) => {
      const moved = Object.fromEntries(
        stage.groups.map((name) => [name, inputs.parameters[name]!]),
      );
      const prepared = stage.prepare?.(inputs) ?? {};
      const { value, aux, gradient } = valueAndGrad((at: Record<string, TensorRecord>) => {
        const parameters = { ...inputs.parameters, ...at };
        const result = stage.loss({ ...inputs, parameters, prepared });
        const { loss, metrics, perSample = {}, carried = {} } = result;
        return { value: loss, aux: { metrics, perSample, carried } };
      }, moved);
      return { loss: value, ...aux, gradients: gradient };
    };
    const traced = jit(differentiate as never) as unknown as Differentiated;
    this.#traced.set(stage, traced);
    return traced;
  }

  #adam(group: string, gradients: Columns, scale: number): void {
    const { optimizer } = this.algorithm.groups.find(({ name }) => name === group)!;
    const { learningRate, beta1, beta2, epsilon } = optimizer!;
    const [correction1, correction2] = [1 - beta1 ** this.#steps, 1 - beta2 ** this.#steps];
    for (const [name, gradient] of Object.entries(gradients)) {
      const values = this.parameters[group]![name]!;
      const first = this.first[group]![name]!;
      const second = this.second[group]![name]!;
      for (const [i, raw] of gradient.entries()) {
        const g = raw * scale;
        first[i] = beta1 * first[i]! + (1 - beta1) * g;
        second[i] = beta2 * second[i]! + (1 - beta2) * g * g;
        const root = Math.sqrt(second[i]! / correction2) + epsilon;
        values[i] = values[i]! - (learningRate * (first[i]! / correction1)) / root;
      }
    }
  }
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** What makes the norm of all gradients together at most `maxNorm`. */
function gradientScale(gradients: ParameterValues, maxNorm = Infinity): number {
  const all = Object.values(gradients).flatMap((group) => Object.values(group));
  const squares = all.reduce((sum, data) => data.reduce((part, g) => part + g * g, sum), 0);
  return Math.min(1, maxNorm / (Math.sqrt(squares) + 1e-6));
}

function zerosLike(algorithm: Algorithm, values: ParameterValues): ParameterValues {
  const moved = algorithm.groups.filter((group) => group.optimizer);
  return Object.fromEntries(
    moved.map(({ name }) => [
      name,
      Object.fromEntries(
        Object.entries(values[name]!).map(([key, data]) => [key, new Float32Array(data.length)]),
      ),
    ]),
  );
}

function tensorsOf(
  specs: readonly { readonly name: string; readonly shape: readonly number[] }[],
  values: Columns,
): TensorRecord {
  return Object.fromEntries(
    specs.map(({ name, shape }) => [name, fromArray(values[name]!, shape)]),
  );
}

async function readFloats(tensor: Tensor): Promise<Float32Array> {
  const data = await read(tensor);
  if (data instanceof Float32Array) return data;
  throw new TypeError("not a float32 tensor");
}

async function readAll(tensors: TensorRecord): Promise<Record<string, Float32Array>> {
  const entries: [string, Float32Array][] = [];
  for (const [key, tensor] of Object.entries(tensors))
    entries.push([key, await readFloats(tensor)]);
  return Object.fromEntries(entries);
}
