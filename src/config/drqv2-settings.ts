import { z } from "zod";
import { count, field, fixed, fraction, group, tunable } from "./fields.ts";

// Defaults: facebookresearch/drqv2, medium tasks; what DrQ-v2 shares with others is in presets.ts.
export const drqv2 = group("What DrQ-v2 has of its own; heeded when algorithm.name is drqv2.", {
  channels: field(count(1), 32, fixed("channels of each convolution; pixels only")),
  strides: field(
    z.array(count(1)).min(1),
    [2, 1, 1, 1],
    fixed("stride of each convolution, with 3 x 3 kernels; pixels only"),
  ),
  featureSize: field(
    count(1),
    50,
    fixed("numbers that policy and critics make of what they see, before their hidden layers"),
  ),
  shift: field(
    count(0),
    4,
    tunable("pixels that images are moved by at random, up, down and sideways; 0: none"),
  ),
  noiseSteps: field(
    count(1),
    500_000,
    tunable(
      "environment steps in which the noise falls from 1 to 0.1; with drm: drm.explorationSteps",
    ),
  ),
  noiseClip: field(fraction(), 0.3, fixed("bound of the noise on the actions that losses look at")),
});
