import { counter, gauge, type MetricSection } from "../declare.ts";

export const onPolicy = {
  title: "On-policy learning",
  from: "learner",
  metrics: {
    troupe_on_policy_loss: gauge("Losses of the last minibatches.", {
      labels: ["name"],
      log: { policy: "train/policy_gradient_loss", value: "train/value_loss" },
    }),
    troupe_on_policy_kl_nats: gauge("Divergence of the policy from the one that acted.", {
      log: "train/approx_kl",
    }),
    troupe_on_policy_clipped_ratio: gauge(
      "Share of steps whose probability has moved beyond the clip.",
      { log: "train/clip_fraction" },
    ),
    troupe_on_policy_effective_sample_ratio: gauge(
      "Share of the steps that an importance-weighted mean over them amounts to.",
      { log: "train/effective_sample_size" },
    ),
    troupe_on_policy_behaviour_sample_ratio: gauge(
      "The same for the weights of stale data, when they come in (asynchronous only).",
      { log: "train/behaviour_sample_size" },
    ),
    troupe_on_policy_explained_variance_ratio: gauge(
      "Share of the variance of returns that the critic knew; at most 1.",
      { log: "train/explained_variance" },
    ),
    troupe_on_policy_learning_rate: gauge("Adam's step size now.", {
      log: "train/learning_rate",
    }),
    troupe_on_policy_std: gauge("Mean standard deviation of the policy.", { log: "train/std" }),
    troupe_on_policy_kl_stops_total: counter(
      "Iterations ended early because the policy had moved too far.",
    ),
    troupe_on_policy_missing_turns_total: counter(
      "Turns that an iteration waited for in vain and did without.",
    ),
    troupe_on_policy_dropped_steps_total: counter(
      "Steps that were never learned from: too old (age), or of a turn that was not finished (unfinished).",
      { labels: ["reason"] },
    ),
  },
} as const satisfies MetricSection;
