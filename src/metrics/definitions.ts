/**
 * Every metric, declared once: Prometheus name, type, help, labels, and its key in logs.
 *
 * Names follow Prometheus (base units, `_total` on counters); log keys are Stable-Baselines3's where it
 * has one. No label takes more than about ten values.
 */

export type Labels = Readonly<Record<string, string>>;

interface Common {
  readonly help: string;
  readonly labels?: readonly string[];
}

/** Logged as its sum over labels since the run began. */
export interface CounterDefinition extends Common {
  readonly type: "counter";
  readonly log?: string;
}

/** Logged as its last value; one with a label has a key for each of the label's values. */
export interface GaugeDefinition extends Common {
  readonly type: "gauge";
  readonly log?: string | Readonly<Record<string, string>>;
}

/** Logged as mean and maximum since the last record, in the unit times `logScale`. */
export interface HistogramDefinition extends Common {
  readonly type: "histogram";
  readonly buckets: readonly number[];
  readonly log?: string;
  readonly logMax?: string;
  readonly logScale?: number;
}

export type MetricDefinition = CounterDefinition | GaugeDefinition | HistogramDefinition;

/** 10 us to 5.2 s: one environment step to one slow update. */
const DURATION = Array.from({ length: 20 }, (_, i) => 1e-5 * 2 ** i);
/** 10 ms to 82 s: checkpoints and evaluations. */
const LONG_DURATION = Array.from({ length: 14 }, (_, i) => 0.01 * 2 ** i);
const VERSIONS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const MILLISECONDS = 1000;

function counter<const T extends Omit<CounterDefinition, "type" | "help">>(help: string, rest?: T) {
  return { type: "counter", help, ...rest } as const;
}

function gauge<const T extends Omit<GaugeDefinition, "type" | "help">>(help: string, rest?: T) {
  return { type: "gauge", help, ...rest } as const;
}

function histogram<const T extends Omit<HistogramDefinition, "type" | "help">>(
  help: string,
  rest: T,
) {
  return { type: "histogram", help, ...rest } as const;
}

function duration(help: string, log: string) {
  return histogram(help, { buckets: DURATION, log, logScale: MILLISECONDS });
}

const run = {
  troupe_build_info: gauge("Versions; always 1.", {
    labels: ["version", "node", "mujoco", "onnxruntime"],
  }),
  troupe_run_info: gauge("What is trained; always 1.", {
    labels: ["run_id", "env", "algo", "seed"],
  }),
  troupe_actors_expected: gauge("Actors the configuration asks for."),
  troupe_actors_connected: gauge("Actors that are alive."),
  troupe_worker_restarts_total: counter("Threads started again after a failure.", {
    labels: ["role"],
  }),
  troupe_actor_heartbeat_timestamp_seconds: gauge(
    "Time of the last sign of life of the actor that has been silent the longest.",
  ),
};

const acting = {
  troupe_env_steps_total: counter("Environment steps accepted by the learner.", {
    log: "time/total_timesteps",
  }),
  troupe_episodes_total: counter("Episodes that ended, by how.", {
    labels: ["outcome"],
    log: "time/episodes",
  }),
  troupe_env_failures_total: counter("Episodes ended by a failing environment, by how it failed.", {
    labels: ["reason"],
  }),
  troupe_env_step_duration_seconds: duration("One environment step.", "perf/env_ms"),
  troupe_inference_duration_seconds: duration(
    "One policy inference, per environment step.",
    "perf/infer_ms",
  ),
  troupe_weight_apply_duration_seconds: duration("Taking over a new policy.", "perf/apply_ms"),
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
};

const delivery = {
  troupe_trajectory_sent_total: counter("Unrolls handed over by actors."),
  troupe_trajectory_sent_bytes_total: counter("Bytes of them."),
  troupe_trajectory_dropped_total: counter("Unrolls refused at replay's door, by reason.", {
    labels: ["reason"],
  }),
  troupe_trajectory_queue_length: gauge("Unrolls waiting for the learner."),
  troupe_blocked_seconds_total: counter("Time actors and learner waited, and for what.", {
    labels: ["side", "reason"],
  }),
};

const replay = {
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
};

const learning = {
  troupe_learner_updates_total: counter("Gradient updates.", { log: "train/n_updates" }),
  troupe_learner_samples_total: counter("Transitions drawn for them.", { log: "replay/sampled" }),
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
  troupe_train_q_mean: gauge("Mean value the critics give the last batch.", {
    log: "train/q_mean",
  }),
  troupe_train_td_error_mean: gauge("Mean absolute TD error of the last batch.", {
    log: "train/td_error_mean",
  }),
  troupe_train_grad_norm: gauge("Norm of the gradient of the last update.", {
    log: "train/grad_norm",
  }),
  troupe_train_nonfinite_total: counter("Updates thrown away: a loss or gradient was not finite.", {
    log: "train/nonfinite",
  }),
  troupe_train_rollbacks_total: counter("Returns to the last checkpoint after too many of them."),
};

const keeping = {
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
  troupe_checkpoint_last_success_timestamp_seconds: gauge("Time the last checkpoint was complete."),
};

export const metricDefinitions = {
  ...run,
  ...acting,
  ...delivery,
  ...replay,
  ...learning,
  ...keeping,
} satisfies Readonly<Record<string, MetricDefinition>>;

type Definitions = typeof metricDefinitions;
type NamesOf<Type extends MetricDefinition["type"]> = {
  [Name in keyof Definitions]: Definitions[Name]["type"] extends Type ? Name : never;
}[keyof Definitions];

export type MetricName = keyof Definitions;
export type CounterName = NamesOf<"counter">;
export type GaugeName = NamesOf<"gauge">;
export type HistogramName = NamesOf<"histogram">;

/** Log keys that are worked out from the metrics when a record is written. */
export const derivedLogKeys = {
  "time/time_elapsed": "Seconds since this process began to train.",
  "time/fps": "Environment steps per second since the last record.",
  "time/sps_actor": "Environment steps per second of one actor.",
  "time/sps_learner": "Updates per second since the last record.",
  "time/replay_ratio": "Updates per environment step since the last record.",
} as const;

/** A metric, seen as the definition any of them has. */
export function definitionOf(name: MetricName): MetricDefinition {
  return metricDefinitions[name];
}

export const metricNames = Object.keys(metricDefinitions) as readonly MetricName[];

/** Every key a log record may have, in the order of the columns of progress.csv. */
export const logKeys: readonly string[] = [
  ...Object.keys(derivedLogKeys),
  ...metricNames.flatMap((name) => keysOf(definitionOf(name))),
];

function keysOf(definition: MetricDefinition): readonly string[] {
  const { log } = definition;
  if (log === undefined) return [];
  if (typeof log !== "string") return Object.values(log);
  if (definition.type !== "histogram" || definition.logMax === undefined) return [log];
  return [log, definition.logMax];
}

/** The gauge a log key belongs to, such as `train/critic_loss`; undefined for keys of other types. */
export function gaugeOfLogKey(key: string): { name: GaugeName; labels: Labels } | undefined {
  return gaugesByKey.get(key);
}

const gaugesByKey = new Map(
  metricNames.flatMap((name): [string, { name: GaugeName; labels: Labels }][] => {
    const definition = definitionOf(name);
    if (definition.type !== "gauge" || definition.log === undefined) return [];
    const gauge = name as GaugeName;
    if (typeof definition.log === "string") return [[definition.log, { name: gauge, labels: {} }]];
    const label = definition.labels?.[0] ?? "name";
    return Object.entries(definition.log).map(([value, key]) => [
      key,
      { name: gauge, labels: { [label]: value } },
    ]);
  }),
);
