import { curves, type Row, spread } from "./panel.ts";

const learning: Row = {
  title: "Learning curves",
  panels: [
    curves(["Training return", "Of the last 100 episodes, exploration included."], {
      mean: 'max by (run) (troupe_episode_return_mean{run="$run"})',
      least: 'max by (run) (troupe_episode_return_min{run="$run"})',
      greatest: 'max by (run) (troupe_episode_return_max{run="$run"})',
      "standard deviation": 'max by (run) (troupe_episode_return_std{run="$run"})',
    }),
    curves(["Evaluation return", "Without exploration, on fixed seeds."], {
      mean: 'max by (run) (troupe_eval_return_mean{run="$run"})',
      "standard deviation": 'max by (run) (troupe_eval_return_std{run="$run"})',
      best: 'max by (run) (troupe_eval_return_best{run="$run"})',
    }),
    curves(["Episode length", "In steps."], {
      training: 'max by (run) (troupe_episode_length_mean{run="$run"})',
      evaluation: 'max by (run) (troupe_eval_length_mean{run="$run"})',
    }),
    curves(["Losses", "Of the last update."], {
      "{{name}}": 'max by (run, name) (troupe_train_loss{run="$run"})',
    }),
    curves(["Values", "Mean value of the last batch, and mean absolute TD error."], {
      Q: 'max by (run) (troupe_train_q_mean{run="$run"})',
      "TD error": 'max by (run) (troupe_train_td_error_mean{run="$run"})',
    }),
    curves(["Gradient norm", "Of the last update."], {
      norm: 'max by (run) (troupe_train_grad_norm{run="$run"})',
    }),
    curves(["Exploration", "Entropy of the policy in nats, and its temperature; or added noise."], {
      entropy: 'max by (run) (troupe_train_entropy_nats{run="$run"})',
      temperature: 'max by (run) (troupe_train_temperature{run="$run"})',
      noise: 'max by (run) (troupe_train_action_noise_std{run="$run"})',
    }),
    curves(["Updates thrown away", "Not finite; and returns to the last checkpoint."], {
      "not finite": 'sum by (run) (increase(troupe_train_nonfinite_total{run="$run"}[5m]))',
      rollbacks: 'sum by (run) (increase(troupe_train_rollbacks_total{run="$run"}[5m]))',
    }),
    curves(
      [
        "Critic's support",
        "Shares of values outside of it and at its edge; distributional critics.",
      ],
      {
        outside: 'max by (run) (troupe_train_support_saturation_ratio{run="$run"})',
        "at the edge": 'max by (run) (troupe_train_support_edge_mass_ratio{run="$run"})',
      },
      { unit: "percentunit" },
    ),
    curves(["Logits and rewards", "Greatest logit of the critics; what rewards are divided by."], {
      "greatest logit": 'max by (run) (troupe_train_logit_max{run="$run"})',
      "reward scale": 'max by (run) (troupe_train_reward_scale{run="$run"})',
    }),
    curves(
      ["Robustness", "How far critics are moved by small changes of the observation, squared."],
      {
        change: 'max by (run) (troupe_train_robust_loss{run="$run"})',
      },
    ),
    curves(["Failing episodes", "In five minutes, by what the environment did."], {
      "{{reason}}": 'sum by (run, reason) (increase(troupe_env_failures_total{run="$run"}[5m]))',
    }),
  ],
};

const staleness: Row = {
  title: "Staleness",
  panels: [
    curves(["Policy lag", "Of unrolls when they reach the learner, in learner steps."], {
      median: 'run:troupe_policy_lag_versions:p50_5m{run="$run"}',
      "oldest in 100": 'run:troupe_policy_lag_versions:p99_5m{run="$run"}',
    }),
    spread(["Policy lag, spread", "The same, as a histogram."], "troupe_policy_lag_versions"),
    curves(["Hosts behind", "Learner steps by which a host's policy is older than the newest."], {
      "{{instance}}": 'run_instance:troupe_actor_policy:behind_versions{run="$run"}',
    }),
    curves(
      ["Ways of a policy", "Publishing it, receiving it on a host, taking it over in an actor."],
      {
        "publish, mean":
          'sum by (run) (rate(troupe_publish_duration_seconds_sum{run="$run"}[5m])) / (sum by (run) (rate(troupe_publish_duration_seconds_count{run="$run"}[5m])) > 0)',
        "receive, slowest in 100": 'run:troupe_policy_fetch_duration_seconds:p99_5m{run="$run"}',
        "take over, mean":
          'sum by (run) (rate(troupe_weight_apply_duration_seconds_sum{run="$run"}[5m])) / (sum by (run) (rate(troupe_weight_apply_duration_seconds_count{run="$run"}[5m])) > 0)',
      },
      { unit: "s" },
    ),
    curves(
      ["Policies sent", "Bytes a second, over all hosts."],
      {
        sent: 'run:troupe_policy_sent_bytes:rate1m{run="$run"}',
        received:
          'sum by (run) (rate(troupe_policy_fetched_bytes_total{run="$run"}[$__rate_interval]))',
      },
      { unit: "Bps" },
    ),
    curves(["Policies", "A second: new at the learner, sent to hosts, failed."], {
      published:
        'sum by (run) (rate(troupe_publish_duration_seconds_count{run="$run"}[$__rate_interval]))',
      sent: 'sum by (run) (rate(troupe_policy_sent_total{run="$run"}[$__rate_interval]))',
      "failed: {{reason}}":
        'sum by (run, reason) (rate(troupe_policy_transfer_failures_total{run="$run"}[$__rate_interval]))',
    }),
  ],
};

const replay: Row = {
  title: "Replay and limiter",
  panels: [
    curves(["Replay", "Transitions in it, and how many fit."], {
      size: 'max by (run) (troupe_replay_size_transitions{run="$run"})',
      capacity: 'max by (run) (troupe_replay_capacity_transitions{run="$run"})',
    }),
    curves(
      [
        "Limiter",
        "Draws that actors are ahead by. Below the lower bound the learner waits, above the upper one actors do.",
      ],
      {
        error: 'max by (run) (troupe_limiter_error{run="$run"})',
        "lower bound": 'max by (run) (troupe_limiter_low{run="$run"})',
        "upper bound": 'max by (run) (troupe_limiter_high{run="$run"})',
      },
    ),
    curves(
      ["Place between the bounds", "0: the learner is about to wait; 1: actors are."],
      { place: 'run:troupe_limiter:position_ratio{run="$run"}' },
      { unit: "percentunit" },
    ),
    curves(
      ["Transitions", "A second: put in, overwritten, drawn."],
      {
        "put in": 'sum by (run) (rate(troupe_replay_added_total{run="$run"}[$__rate_interval]))',
        overwritten:
          'sum by (run) (rate(troupe_replay_evicted_total{run="$run"}[$__rate_interval]))',
        drawn: 'run:troupe_learner_samples:rate1m{run="$run"}',
      },
      { unit: "ops" },
    ),
    curves(["Priorities", "Of transitions, to the priority exponent; prioritized replay only."], {
      mean: 'max by (run) (troupe_replay_priority_mean{run="$run"})',
      greatest: 'max by (run) (troupe_replay_priority_max{run="$run"})',
    }),
    curves(
      [
        "Importance weights",
        "Least of the last batch, their exponent, and priorities that came too late.",
      ],
      {
        least: 'max by (run) (troupe_replay_importance_weight_min{run="$run"})',
        exponent: 'max by (run) (troupe_replay_importance_exponent{run="$run"})',
        "late a second":
          'sum by (run) (rate(troupe_replay_stale_priorities_total{run="$run"}[$__rate_interval]))',
      },
    ),
  ],
};

export const learningRows: readonly Row[] = [learning, staleness, replay];
