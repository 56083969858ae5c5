import type { Algorithm, InputSpec, LossStage } from "../algorithms/algorithm.ts";
import { compile } from "./compile.ts";
import { type Tensor, valueAndGrad } from "./ops.ts";
import { orthogonalGradient } from "./orthogonal-gradient.ts";

type TensorRecord = Readonly<Record<string, Tensor>>;

/** Names of a stage program's ports: a kind, then what it holds. */
export const port = {
  parameter: (group: string, name: string): string => `parameters/${group}/${name}`,
  batch: (column: string): string => `batch/${column}`,
  noise: (name: string): string => `noise/${name}`,
  loss: "loss",
  metric: (key: string): string => `metrics/${key}`,
  perSample: (name: string): string => `perSample/${name}`,
  carried: (group: string, name: string): string => `carried/${group}/${name}`,
  shared: (name: string): string => `shared/${name}`,
  gradient: (group: string, name: string): string => `gradients/${group}/${name}`,
};

/** Compiles one stage: parameters, batch and noise in; loss, metrics and gradients out. */
export function compileStage(algorithm: Algorithm, stage: LossStage): Uint8Array {
  const inputs: InputSpec[] = [
    ...algorithm.groups.flatMap((group) =>
      group.parameters.map(({ name, shape }) => ({
        name: port.parameter(group.name, name),
        shape,
      })),
    ),
    ...columns(algorithm).map(({ name, shape }) => ({ name: port.batch(name), shape })),
    ...algorithm.noise.map(({ name, shape }) => ({ name: port.noise(name), shape })),
  ];
  const name = `${algorithm.name} ${stage.name} loss`;
  return compile((tensors) => differentiate(algorithm, stage, tensors), {
    name,
    inputs,
    omitUnusedInputs: true,
    writesInPlace: true,
  });
}

/** What a stage may find in its batch. */
function columns({ batch, shared = [] }: Algorithm): readonly InputSpec[] {
  return [...batch, ...shared];
}

function differentiate(
  algorithm: Algorithm,
  stage: LossStage,
  tensors: TensorRecord,
): Record<string, Tensor> {
  const pick = (specs: readonly { readonly name: string }[], nameOf: (name: string) => string) =>
    Object.fromEntries(specs.map(({ name }) => [name, tensors[nameOf(name)] as Tensor]));
  const batch = pick(columns(algorithm), port.batch);
  const noise = pick(algorithm.noise, port.noise);
  const parameters = Object.fromEntries(
    algorithm.groups.map((group) => [
      group.name,
      pick(group.parameters, (name) => port.parameter(group.name, name)),
    ]),
  );
  const moved = Object.fromEntries(
    stage.groups.map((name): [string, TensorRecord] => [name, parameters[name] ?? {}]),
  );
  // Not within what is differentiated: jax-js loses count of its traces where derivatives nest.
  const prepared = stage.prepare?.({ parameters, batch, noise });
  const { value, aux, gradient } = valueAndGrad((at: Record<string, TensorRecord>) => {
    const inputs = { parameters: { ...parameters, ...at }, batch, noise };
    const result = stage.loss(prepared ? { ...inputs, prepared } : inputs);
    return {
      value: result.loss,
      aux: {
        metrics: result.metrics,
        perSample: result.perSample ?? {},
        carried: result.carried ?? {},
        shared: result.shared ?? {},
      },
    };
  }, moved);
  const outputs: Record<string, Tensor> = { [port.loss]: value };
  for (const [key, metric] of Object.entries(aux.metrics)) outputs[port.metric(key)] = metric;
  for (const [name, column] of Object.entries(aux.perSample))
    outputs[port.perSample(name)] = column;
  for (const [group, tensors] of Object.entries(aux.carried)) {
    for (const [name, tensor] of Object.entries(tensors)) {
      outputs[port.carried(group, name)] = tensor;
    }
  }
  for (const [name, tensor] of Object.entries(aux.shared)) outputs[port.shared(name)] = tensor;
  const orthogonal = algorithm.groups.filter((group) => group.orthogonalGradient);
  for (const [group, gradients] of Object.entries(gradient)) {
    const isOrthogonal = orthogonal.some(({ name }) => name === group);
    for (const [name, tensor] of Object.entries(gradients)) {
      const weights = isOrthogonal ? parameters[group]?.[name] : undefined;
      outputs[port.gradient(group, name)] = weights ? orthogonalGradient(weights, tensor) : tensor;
    }
  }
  return outputs;
}
