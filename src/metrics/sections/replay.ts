import { counter, duration, gauge, type MetricSection } from "../declare.ts";

export const replay = {
  title: "Replay",
  from: "learner",
  metrics: {
    troupe_replay_size_transitions: gauge("Transitions in replay.", { log: "replay/size" }),
    troupe_replay_capacity_transitions: gauge("Transitions it can hold."),
    troupe_replay_added_total: counter("Transitions inserted.", { log: "replay/added" }),
    troupe_replay_evicted_total: counter("Transitions overwritten.", { log: "replay/evicted" }),
    troupe_replay_stale_priorities_total: counter(
      "Priority updates ignored because their transition was overwritten.",
    ),
    troupe_replay_priority_mean: gauge("Mean priority, to the priority exponent.", {
      log: "replay/priority_mean",
    }),
    troupe_replay_priority_max: gauge("Greatest seen, to the same exponent.", {
      log: "replay/priority_max",
    }),
    troupe_replay_importance_exponent: gauge("Power of the importance weights.", {
      log: "replay/beta",
    }),
    troupe_replay_importance_weight_min: gauge("Least importance weight of the last batch.", {
      log: "replay/is_weight_min",
    }),
    troupe_replay_sample_duration_seconds: duration(
      "Drawing and gathering a batch.",
      "perf/sample_ms",
    ),
    troupe_limiter_error: gauge(
      "Draws that actors are ahead by: inserts x samples per insert - draws - offset.",
    ),
    troupe_limiter_low: gauge("The learner waits when the error would fall below this."),
    troupe_limiter_high: gauge("Actors wait when the error would rise above this."),
  },
} as const satisfies MetricSection;
