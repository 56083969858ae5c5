import { counter, duration, gauge, type MetricSection } from "../declare.ts";

export const acting = {
  title: "Acting",
  from: "actors",
  metrics: {
    troupe_env_step_duration_seconds: duration("One environment step.", "perf/env_ms"),
    troupe_inference_duration_seconds: duration(
      "One policy inference, per environment step.",
      "perf/infer_ms",
    ),
    troupe_weight_apply_duration_seconds: duration("Taking over a new policy.", "perf/apply_ms"),
    troupe_trajectory_sent_total: counter("Unrolls handed over by actors."),
    troupe_trajectory_sent_bytes_total: counter("Bytes of them."),
  },
} as const satisfies MetricSection;

export const experience = {
  title: "Experience",
  from: "learner",
  metrics: {
    troupe_env_steps_total: counter("Environment steps accepted by the learner.", {
      log: "time/total_timesteps",
    }),
    troupe_episodes_total: counter("Episodes that ended, by how.", {
      labels: ["outcome"],
      values: ["terminated", "truncated", "failed"],
      log: "time/episodes",
    }),
    troupe_env_failures_total: counter(
      "Episodes ended by a failing environment, by how it failed.",
      { labels: ["reason"], values: ["step", "non-finite", "shape", "reset", "hung"] },
    ),
    troupe_episode_return_mean: gauge("Mean return of the last 100 training episodes.", {
      log: "rollout/ep_rew_mean",
    }),
    troupe_episode_return_std: gauge("Standard deviation of the same.", {
      log: "rollout/ep_rew_std",
    }),
    troupe_episode_return_min: gauge("Least of the same.", { log: "rollout/ep_rew_min" }),
    troupe_episode_return_max: gauge("Greatest of the same.", { log: "rollout/ep_rew_max" }),
    troupe_episode_length_mean: gauge("Mean length of the last 100 training episodes, in steps.", {
      log: "rollout/ep_len_mean",
    }),
  },
} as const satisfies MetricSection;
