import {
  counter,
  duration,
  gauge,
  histogram,
  LONG_DURATION,
  type MetricSection,
  VERSIONS,
} from "../declare.ts";

export const learning = {
  title: "Learning",
  from: "learner",
  metrics: {
    troupe_learner_updates_total: counter("Gradient updates.", { log: "train/n_updates" }),
    troupe_learner_samples_total: counter("Transitions drawn for them.", {
      log: "replay/sampled",
    }),
    troupe_learner_update_duration_seconds: duration("One update.", "perf/update_ms"),
    troupe_publish_duration_seconds: duration("Publishing a policy.", "perf/broadcast_ms"),
    troupe_learner_policy_version: gauge("Learner step of the newest policy.", {
      log: "policy/version",
    }),
    troupe_policy_lag_versions: histogram(
      "Age of the acting policy when its steps reach the learner, in learner steps.",
      { buckets: VERSIONS, log: "policy/lag_mean", logMax: "policy/lag_max" },
    ),
    troupe_train_loss: gauge("Losses of the last update.", {
      labels: ["name"],
      log: {
        actor: "train/actor_loss",
        critic: "train/critic_loss",
        temperature: "train/ent_coef_loss",
      },
    }),
    troupe_train_temperature: gauge("Entropy temperature.", { log: "train/ent_coef" }),
    troupe_train_entropy_nats: gauge("Entropy of the policy.", { log: "train/entropy" }),
    troupe_train_action_noise_std: gauge("Standard deviation of the noise that actors add.", {
      log: "train/action_noise_std",
    }),
    troupe_train_q_mean: gauge("Mean value the critics give the last batch.", {
      log: "train/q_mean",
    }),
    troupe_train_td_error_mean: gauge("Mean absolute TD error of the last batch.", {
      log: "train/td_error_mean",
    }),
    troupe_train_support_saturation_ratio: gauge(
      "Share of the last batch's targets within three atoms of the end of a categorical critic's support, or beyond it.",
      { log: "train/support_saturation" },
    ),
    troupe_train_support_edge_mass_ratio: gauge(
      "Mean share of a target's probability on the two outermost atoms.",
      { log: "train/support_edge_mass" },
    ),
    troupe_train_logit_max: gauge("Largest absolute logit of the categorical critics.", {
      log: "train/logit_max",
    }),
    troupe_train_robust_loss: gauge(
      "Mean squared change of the critics' values by small changes of the observation, summed over critics.",
      { log: "train/robust_loss" },
    ),
    troupe_train_reward_scale: gauge("What rewards are divided by when they are sampled.", {
      log: "train/reward_scale",
    }),
    troupe_train_grad_norm: gauge("Norm of the gradient of the last update.", {
      log: "train/grad_norm",
    }),
    troupe_train_nonfinite_total: counter(
      "Updates thrown away: a loss or gradient was not finite.",
      { log: "train/nonfinite" },
    ),
    troupe_train_rollbacks_total: counter("Returns to the last checkpoint after too many of them."),
  },
} as const satisfies MetricSection;

export const keeping = {
  title: "Evaluations and checkpoints",
  from: "learner",
  metrics: {
    troupe_eval_return_mean: gauge("Mean return of the last evaluation.", {
      log: "eval/mean_reward",
    }),
    troupe_eval_return_std: gauge("Standard deviation of the same.", { log: "eval/std_reward" }),
    troupe_eval_length_mean: gauge("Mean episode length of the last evaluation, in steps.", {
      log: "eval/mean_ep_length",
    }),
    troupe_eval_return_best: gauge("Best evaluation so far.", { log: "eval/best_mean_reward" }),
    troupe_evaluation_duration_seconds: histogram("One evaluation.", { buckets: LONG_DURATION }),
    troupe_checkpoint_duration_seconds: histogram("Writing a checkpoint.", {
      buckets: LONG_DURATION,
    }),
    troupe_checkpoint_size_bytes: gauge("Size of the last checkpoint."),
    troupe_checkpoint_last_success_timestamp_seconds: gauge(
      "Time the last checkpoint was complete.",
    ),
    troupe_checkpoint_interval_seconds: gauge(
      "Time between checkpoints; 0 when they are not by time.",
    ),
    troupe_checkpoint_failures_total: counter("Checkpoints that could not be written."),
  },
} as const satisfies MetricSection;
