import { z } from "zod";
import { count, field, fixed, fraction, group, positive, tunable } from "./fields.ts";

const zeroToOne = fraction;

// Defaults: XuGW-Kevin/DrM for pixels, but for what docs/algorithms/drm.md says about states.
export const drm = group(
  "Dormant-ratio minimisation (Xu et al. 2024), on top of sac: the share of the policy's hidden units that are dormant steers all that follows.",
  {
    enabled: field(z.boolean(), false, fixed("whether it is used")),
    threshold: field(
      zeroToOne(),
      0.025,
      tunable("a unit is dormant if it says at most this share of what its layer's units say"),
    ),
    target: field(
      z.union([z.literal("auto"), zeroToOne()], {
        error: 'must be "auto" or a number from 0 to 1',
      }),
      0.2,
      fixed(
        "dormant ratio below which the agent is awake; auto: half the mean of the first 1000 updates, at least 0.05",
      ),
    ),
    perturbInterval: field(
      count(0),
      50_000,
      tunable("updates between mixing fresh weights into the networks; 0: never"),
    ),
    perturbRate: field(
      z.number().nonnegative(),
      2,
      tunable("weights kept then: 1 - perturbRate times the dormant ratio"),
    ),
    perturbMin: field(zeroToOne(), 0.2, tunable("but at least")),
    perturbMax: field(zeroToOne(), 0.9, tunable("and at most")),
    independentTargetNoise: field(
      z.boolean(),
      false,
      tunable("fresh weights of their own for the slow critics, as in the authors' code"),
    ),
    exploration: field(
      z.enum(["off", "additive", "entropy"]),
      "additive",
      fixed("additive: noise on the actors' actions; entropy: a higher target entropy"),
    ),
    explorationTemperature: field(
      positive(),
      0.1,
      tunable("how gently the noise follows the dormant ratio around the target"),
    ),
    explorationSteps: field(
      count(1),
      500_000,
      tunable("environment steps in which noise is lowered after the agent has woken up"),
    ),
    entropyScale: field(
      z.number().nonnegative(),
      0.5,
      tunable("exploration entropy: nats per action dimension while all units are dormant"),
    ),
    exploitation: field(
      zeroToOne(),
      0.6,
      fixed("most of a target that comes from the best actions in replay; 0: nothing"),
    ),
    exploitationTemperature: field(
      positive(),
      0.02,
      fixed("how gently that share follows the dormant ratio around the target"),
    ),
    expectile: field(
      zeroToOne(),
      0.9,
      fixed("how much of the best: 0.5 is the mean action in replay, 1 the very best"),
    ),
  },
);
