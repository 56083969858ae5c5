import { z } from "zod";
import { count, field, fixed, fraction, group, positive, tunable } from "./fields.ts";

// Defaults: Ren et al. 2021, arXiv 2104.09122; JieRen98/rlkit-pmoe.
export const pmoe = group(
  "What a mixture of experts has of its own; heeded when algorithm.policy is pmoe.",
  {
    experts: field(
      count(1),
      4,
      fixed("Gaussians that are mixed, 1 to 8; one is the plain algorithm"),
    ),
    gateLoss: field(
      z.enum(["frequency", "enumerate", "gumbel", "score"]),
      "frequency",
      fixed(
        "what the gate learns from: how often each expert is the best (frequency), the expected value of all (enumerate), of a soft mixture (gumbel), of one draw (score)",
      ),
    ),
    gateWeight: field(
      z.number().nonnegative(),
      1,
      tunable("weight of the gate's loss; rlkit-pmoe: 1 / experts"),
    ),
    gumbelTemperature: field(
      positive(),
      1,
      tunable("gumbel: the lower, the nearer to one expert at a time"),
    ),
    expertGradient: field(
      z.enum(["max", "all"]),
      "max",
      fixed("sac: who learns from a state: the expert that is the best there (max), or all"),
    ),
    entropy: field(
      z.enum(["expert", "mixture"]),
      "expert",
      fixed("sac: the density behind the entropy: of the acting expert, or exactly the mixture's"),
    ),
    gateInput: field(
      z.enum(["hidden", "observations"]),
      "hidden",
      fixed("what the gate looks at: the policy's last hidden layer, or the observation itself"),
    ),
    topK: field(
      count(0),
      0,
      tunable("only this many experts, the likeliest in a state, may act; 0: all"),
    ),
    minProbability: field(
      fraction(),
      0,
      tunable("least probability of each expert when acting; 0: none"),
    ),
  },
);
