import { concat, type Tensor, tanh } from "../../compile/ops.ts";
import type { ParameterSpec, Parameters } from "../algorithm.ts";
import type { CriticHead } from "../critics/critic-head.ts";
import { activate, carryOf, dense, type Layer, layerNorm, sequence } from "../layers.ts";
import { type Network, type NetworkOptions, network, networkBody, output } from "../networks.ts";
import type { PolicyUnits } from "../sac-policy.ts";
import type { TwinCritic } from "../twin-critic.ts";

/** What every network here begins with: many features become few, of which none is large. */
interface Trunk extends Layer {
  /** Before the norm, where units can be dormant. */
  readonly linear: Layer;
}

export interface TrunkSizes {
  /** Of what comes in: the encoder's features, or an observation. */
  readonly inputSize: number;
  /** Of what goes on. */
  readonly featureSize: number;
}

/** tanh(norm(x W + b)). */
function trunk({ inputSize, featureSize }: TrunkSizes, options: NetworkOptions): Trunk {
  const { initialisation } = options;
  const linear = dense({
    name: "trunk",
    inputSize,
    outputSize: featureSize,
    initialisation,
    gain: 1,
  });
  const whole = sequence(linear, layerNorm("trunkNorm", featureSize), activate("tanh"));
  return { ...whole, linear };
}

/** A policy without noise: mu(s), [n, action size]. */
export interface MeanPolicy {
  readonly parameters: readonly ParameterSpec[];
  mean(parameters: Parameters, features: Tensor): Tensor;
  /**
   * What its linear layers say: the trunk's before its norm, the hidden ones after their activation, the
   * last before tanh. Source: XuGW-Kevin/DrM, utils.py, cal_dormant_ratio.
   */
  units(parameters: Parameters, features: Tensor): PolicyUnits;
}

export function meanPolicy(
  sizes: TrunkSizes & { readonly actionSize: number },
  options: NetworkOptions,
): MeanPolicy {
  const { featureSize, actionSize } = sizes;
  const start = trunk(sizes, options);
  const body = networkBody({ prefix: "", inputSize: featureSize }, options);
  const last = output({ prefix: "", inputSize: body.outputSize, outputSize: actionSize }, options);
  const whole = sequence(start, body, last);
  return {
    parameters: whole.parameters,
    mean: (parameters, features) => tanh(whole.forward(parameters, features)),
    units: (parameters, features) => {
      const hidden = [start.linear.forward(parameters, features)];
      const inner = body.forward(parameters, start.forward(parameters, features), (units) =>
        hidden.push(units),
      );
      return { hidden: [...hidden, last.forward(parameters, inner)], heads: [] };
    },
  };
}

/** Two critics behind one trunk, which is theirs. */
export function trunkedCritic(
  sizes: TrunkSizes & { readonly actionSize: number },
  head: Pick<CriticHead, "outputs" | "outputInit">,
  options: NetworkOptions,
): TwinCritic {
  const start = trunk(sizes, options);
  const shape = {
    inputSize: sizes.featureSize + sizes.actionSize,
    outputSize: head.outputs,
    ...(head.outputInit ? { outputInit: head.outputInit } : {}),
  };
  const q1 = network({ ...shape, prefix: "q1." }, options);
  const q2 = network({ ...shape, prefix: "q2." }, options);
  return {
    parameters: [...start.parameters, ...q1.parameters, ...q2.parameters],
    outputs: (parameters, features, actions) => {
      const input = concat([start.forward(parameters, features), actions]);
      return [q1.forward(parameters, input), q2.forward(parameters, input)];
    },
    ...carryOf([start, q1, q2]),
  };
}

/** V: a critic without the action. */
export function trunkedValue(sizes: TrunkSizes, options: NetworkOptions): Network {
  const shape = { prefix: "", inputSize: sizes.featureSize, outputSize: 1 };
  return sequence(trunk(sizes, options), network(shape, options));
}
