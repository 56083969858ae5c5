import { z } from "zod";
import { autoCount, count, field, fixed, group, positive } from "./fields.ts";

const zeroOrMore = () => z.number().nonnegative();

const autoNumber = z.union([z.literal("auto"), z.number()], {
  error: 'must be "auto" or a number',
});

/** Ours, or what a plugin adds. */
const named = (ours: readonly string[]) => z.union([z.enum(ours), z.string().min(1)]);

export const policyNames = ["gaussian", "pmoe"] as const;

export function isBuiltInPolicy(name: string): boolean {
  return policyNames.some((own) => own === name);
}

export const policy = field(
  named(policyNames),
  "gaussian",
  fixed(
    "what acts: one Gaussian in each state, a mixture of several (pmoe), or a policy of plugins.files",
  ),
);

/** Critics that put probability on a support. */
const categoricalNames = ["hl-gauss", "two-hot", "c51"] as const;

/** What critics learn; the names of src/algorithms/critics/registry.ts, which imports too much. */
export const criticNames = ["mse", ...categoricalNames] as const;

export function isCategorical(critic: string): boolean {
  return categoricalNames.some((name) => name === critic);
}

export const critic = field(
  named(criticNames),
  "mse",
  fixed(
    "what critics learn: the value (mse), a distribution around it (hl-gauss, two-hot), that of the return (c51), or as plugins.files say",
  ),
);

export const plugins = group("Critics and policies of one's own: docs/extending.md.", {
  files: field(
    z.array(z.string().min(1)),
    [],
    fixed("JavaScript or TypeScript files that export critics or policies"),
  ),
  options: field(
    z.record(z.string(), z.unknown()),
    {},
    fixed("options handed to what they export, by its own names"),
  ),
});

export const twin = field(
  z.enum(["min", "mean"]),
  "min",
  fixed("what two critics say together: the smaller value, or the mean"),
);

export const criticSupport = group(
  "The returns that a categorical critic (hl-gauss, two-hot, c51) can speak of, after reward scaling.",
  {
    atoms: field(count(2), 101, fixed("places to put probability on, at least 2")),
    min: field(
      autoNumber,
      "auto",
      fixed("least return; auto: -5 with rewardScaling deviation, -10 with range"),
    ),
    max: field(autoNumber, "auto", fixed("greatest return; auto: 5 and 10")),
    locations: field(
      z.enum(["atoms", "bins"]),
      "atoms",
      fixed("atoms: from min to max inclusive; bins: centres of equal bins between them"),
    ),
    sigmaRatio: field(
      positive(),
      0.75,
      fixed("hl-gauss: standard deviation of a target, in distances between atoms"),
    ),
    probabilities: field(
      z.enum(["softmax", "stablemax"]),
      "softmax",
      fixed("of logits; stablemax grows linearly and never fills up (Prieto et al. 2025)"),
    ),
  },
);

export const orthogonalGradients = field(
  z.enum(["none", "critic", "all"]),
  "none",
  fixed(
    "which networks take only the part of a gradient that is orthogonal to the weights (Prieto et al. 2025)",
  ),
);

export const rewardScaling = field(
  z.enum(["auto", "none", "deviation", "range"]),
  "auto",
  fixed(
    "divide rewards by: none; deviation: spread of running returns, as SimbaV2; range: their extremes, as BRC; auto: none for mse, else deviation",
  ),
);

const networkFields = () => ({
  architecture: field(
    z.enum(["mlp", "bro", "simba"]),
    "mlp",
    fixed("mlp: dense layers; bro, simba: residual blocks with layer norm"),
  ),
  width: field(autoCount(1), "auto", fixed("units of each layer or block; auto: as hidden says")),
  depth: field(
    autoCount(1),
    "auto",
    fixed("hidden layers, or residual blocks; auto: as many as hidden has"),
  ),
  activation: field(z.enum(["relu", "tanh", "silu", "gelu"]), "relu", fixed("after each layer")),
  norm: field(
    z.enum(["none", "layer"]),
    "none",
    fixed("layer: layer norm before each activation of an mlp; bro and simba have theirs"),
  ),
  initialisation: field(
    z.enum(["uniform", "orthogonal"]),
    "uniform",
    fixed("of weights; uniform: PyTorch's; orthogonal: with zero biases"),
  ),
});

export const network = group("How the networks are built.", {
  policy: group("The policy's.", networkFields()),
  critic: group("Each critic's.", {
    ...networkFields(),
    spectralNorm: field(
      zeroOrMore(),
      0,
      fixed("most that a hidden layer may stretch an input by (its spectral norm); 0: no bound"),
    ),
  }),
});

export const robust = group(
  "Critics that change slowly with the observation (Zheng et al. 2023).",
  {
    weight: field(
      zeroOrMore(),
      0,
      fixed("of the squared change of the value beside the critics' loss; 0: none"),
    ),
    radius: field(
      positive(),
      0.05,
      fixed("largest change of each number of an observation, as the critics see it"),
    ),
  },
);
