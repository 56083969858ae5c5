import { z } from "zod";
import { count, field, fixed, fraction, free, group, positive, tunable } from "./fields.ts";

const zeroOrMore = () => z.number().nonnegative();

// Defaults: vwxyzjn/cleanrl, cleanrl/ppo_continuous_action.py; what PPO shares with others is in presets.ts.
export const ppo = group("What PPO has of its own; heeded when algorithm.name is ppo.", {
  mode: field(
    z.enum(["synchronous", "overlapped", "asynchronous"]),
    "synchronous",
    fixed(
      "synchronous: act, then learn; overlapped: act one iteration ahead; asynchronous: up to maxAge ahead, corrected for",
    ),
  ),
  epochs: field(count(1), 10, tunable("passes over the data of an iteration")),
  learningRate: field(positive(), 3e-4, tunable("Adam's step size, of policy and critic alike")),
  annealLearningRate: field(
    z.boolean(),
    true,
    tunable("lower the step size linearly to 0 at totalSteps"),
  ),
  gaeLambda: field(fraction(), 0.95, tunable("trace decay of the advantages")),
  clipRatio: field(
    positive(),
    0.2,
    tunable("how far an action's probability may move, as a ratio to 1"),
  ),
  valueClip: field(
    zeroOrMore(),
    0.2,
    tunable("how far a value may move from the recorded one; 0: as far as it likes; mse only"),
  ),
  entropyCoefficient: field(zeroOrMore(), 0, tunable("weight of the entropy bonus")),
  valueCoefficient: field(zeroOrMore(), 0.5, tunable("weight of the critic's loss")),
  maxGradNorm: field(positive(), 0.5, tunable("norm that longer gradients are scaled down to")),
  targetKl: field(
    zeroOrMore(),
    0,
    tunable("no further epoch after one with a larger mean KL divergence; 0: never stop"),
  ),
  normalizeAdvantages: field(
    z.boolean(),
    true,
    tunable("advantages of each minibatch to mean 0 and deviation 1"),
  ),
  rewardClip: field(positive(), 10, tunable("bound of a reward after algorithm.rewardScaling")),
  logStdInit: field(z.number(), 0, fixed("log standard deviation of the policy at the start")),
  maxAge: field(
    count(1),
    2,
    tunable("asynchronous: iterations that data may be old; older ones are dropped and counted"),
  ),
  traceClip: field(
    positive(),
    1,
    tunable("asynchronous: bound of V-trace's importance weights, rho and c"),
  ),
  turnTimeoutSeconds: field(
    positive(),
    60,
    free("an iteration waits this long for the slowest actor after the first; then without it"),
  ),
  queueBytes: field(count(1), 1e9, free("memory for unrolls that have not been learned from")),
});
