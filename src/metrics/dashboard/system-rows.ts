import { curves, type Row, spread } from "./panel.ts";

const delivery: Row = {
  title: "Delivery",
  panels: [
    curves(
      ["Unrolls", "A second: made by actors, accepted by the learner, come twice, sent again."],
      {
        made: 'sum by (run) (rate(troupe_trajectory_sent_total{run="$run"}[$__rate_interval]))',
        accepted: 'run:troupe_trajectory_received:rate1m{run="$run"}',
        twice:
          'sum by (run) (rate(troupe_trajectory_duplicate_total{run="$run"}[$__rate_interval]))',
        "asked for again":
          'sum by (run) (rate(troupe_trajectory_resend_total{run="$run"}[$__rate_interval]))',
        "sent again":
          'sum by (run) (rate(troupe_trajectory_resent_total{run="$run"}[$__rate_interval]))',
      },
      { unit: "ops" },
    ),
    curves(
      ["Bytes", "Of unrolls, a second."],
      {
        made: 'sum by (run) (rate(troupe_trajectory_sent_bytes_total{run="$run"}[$__rate_interval]))',
        accepted: 'run:troupe_trajectory_received_bytes:rate1m{run="$run"}',
      },
      { unit: "Bps" },
    ),
    curves(
      ["Acknowledgements", "From sending an unroll to the word that it is durable."],
      {
        median: 'run:troupe_trajectory_ack_duration_seconds:p50_5m{run="$run"}',
        "slowest in 100": 'run:troupe_trajectory_ack_duration_seconds:p99_5m{run="$run"}',
      },
      { unit: "s" },
    ),
    curves(["Where unrolls are", "Outboxes of hosts, the learner's queue, not durable yet."], {
      outboxes: 'sum by (run) (troupe_outbox_frames{run="$run"})',
      queue: 'sum by (run) (troupe_trajectory_queue_length{run="$run"})',
      "not durable": 'sum by (run) (troupe_log_pending_frames{run="$run"})',
    }),
    curves(["Window", "Unrolls one actor may have under way, and all may still send."], {
      window: 'max by (run) (troupe_window_frames{run="$run"})',
      credit: 'max by (run) (troupe_credit_frames{run="$run"})',
    }),
    curves(
      ["Duplicates", "Share of what came."],
      { share: 'run:troupe_trajectory:duplicate_ratio5m{run="$run"}' },
      { unit: "percentunit" },
    ),
    curves(
      ["Dropped", "Unrolls a second that will not be in replay, by why."],
      { "{{reason}}": 'run_reason:troupe_trajectory_dropped:rate5m{run="$run"}' },
      { unit: "ops" },
    ),
    curves(["Sessions", "In five minutes: begun, come back, refused by why."], {
      begun: 'sum by (run) (increase(troupe_sessions_opened_total{run="$run"}[5m]))',
      "come back": 'sum by (run) (increase(troupe_session_reconnects_total{run="$run"}[5m]))',
      "refused: {{reason}}":
        'sum by (run, reason) (increase(troupe_session_refused_total{run="$run"}[5m]))',
    }),
    curves(
      ["Calls", "Answered by the learner, by method and code."],
      { "{{method}} {{code}}": 'run_method_code:troupe_grpc_requests:rate5m{run="$run"}' },
      { unit: "ops" },
    ),
    curves(
      ["Calls, duration", "The slowest in 100, by method."],
      {
        "{{method}}":
          'histogram_quantile(0.99, sum by (run, method, le) (rate(troupe_grpc_request_duration_seconds_bucket{run="$run"}[5m])))',
      },
      { unit: "s" },
    ),
    spread(
      ["Acknowledgements, spread", "As a histogram."],
      "troupe_trajectory_ack_duration_seconds",
      { unit: "s" },
    ),
    curves(
      ["Silence", "Since the last sign of life of the actor that has been silent the longest."],
      {
        silence: 'time() - min by (run) (troupe_actor_heartbeat_timestamp_seconds{run="$run"})',
      },
      { unit: "s" },
    ),
  ],
};

const keeping: Row = {
  title: "Checkpoints, evaluations and log",
  panels: [
    curves(
      ["Age of the checkpoint", "And how old it should get."],
      {
        age: 'run:troupe_checkpoint:age_seconds{run="$run"}',
        interval: 'max by (run) (troupe_checkpoint_interval_seconds{run="$run"})',
      },
      { unit: "s" },
    ),
    curves(
      [
        "Checkpoints and evaluations",
        "Means of the last hour: writing a checkpoint, an evaluation.",
      ],
      {
        checkpoint:
          'sum by (run) (rate(troupe_checkpoint_duration_seconds_sum{run="$run"}[1h])) / (sum by (run) (rate(troupe_checkpoint_duration_seconds_count{run="$run"}[1h])) > 0)',
        evaluation:
          'sum by (run) (rate(troupe_evaluation_duration_seconds_sum{run="$run"}[1h])) / (sum by (run) (rate(troupe_evaluation_duration_seconds_count{run="$run"}[1h])) > 0)',
      },
      { unit: "s" },
    ),
    curves(
      ["Sizes", "Of the last checkpoint and the log, and what the log may take."],
      {
        checkpoint: 'max by (run) (troupe_checkpoint_size_bytes{run="$run"})',
        log: 'max by (run) (troupe_log_size_bytes{run="$run"})',
        quota: 'max by (run) (troupe_log_quota_bytes{run="$run"})',
      },
      { unit: "bytes" },
    ),
    curves(
      ["Log, written", "Bytes a second."],
      {
        written:
          'sum by (run) (rate(troupe_log_written_bytes_total{run="$run"}[$__rate_interval]))',
      },
      { unit: "Bps" },
    ),
    curves(
      ["Log, flushes", "The slowest in 100."],
      { "slowest in 100": 'run:troupe_log_sync_duration_seconds:p99_5m{run="$run"}' },
      { unit: "s" },
    ),
    curves(["Trouble", "In five minutes; and 1 while the log cannot be written."], {
      "checkpoints failed":
        'sum by (run) (increase(troupe_checkpoint_failures_total{run="$run"}[5m]))',
      "log: {{reason}}": 'sum by (run, reason) (increase(troupe_log_errors_total{run="$run"}[5m]))',
      "log cannot be written": 'max by (run) (troupe_log_trouble{run="$run"})',
      "learner's term": 'max by (run) (troupe_learner_term{run="$run"})',
    }),
  ],
};

/** Of what actor hosts and the learner measure, for each process that is chosen above. */
const CHOSEN = 'run="$run",instance=~"$instance"';

function meanBy(metric: string): string {
  const [sum, count] = ["sum", "count"].map(
    (part) => `sum by (instance) (rate(${metric}_${part}{${CHOSEN}}[$__rate_interval]))`,
  );
  return `${sum} / (${count} > 0)`;
}

const instances: Row = {
  title: "Actors by instance",
  panels: [
    curves(
      ["Unrolls made", "A second."],
      {
        "{{instance}}": `sum by (instance) (rate(troupe_trajectory_sent_total{${CHOSEN}}[$__rate_interval]))`,
      },
      { unit: "ops" },
    ),
    curves(
      ["Environment step", "Mean."],
      { "{{instance}}": meanBy("troupe_env_step_duration_seconds") },
      { unit: "s" },
    ),
    curves(
      ["Inference", "Mean, for one step."],
      { "{{instance}}": meanBy("troupe_inference_duration_seconds") },
      { unit: "s" },
    ),
    curves(["Welcomed actors", "Whose sessions are open."], {
      "{{instance}}": `sum by (instance) (troupe_sessions_connected{${CHOSEN}})`,
    }),
    curves(["Outboxes", "Unrolls kept until they are durable."], {
      "{{instance}}": `sum by (instance) (troupe_outbox_frames{${CHOSEN}})`,
    }),
    curves(["Refused and dropped", "Unrolls of these hosts that will not be in replay."], {
      "{{instance}} {{reason}}": `sum by (instance, reason) (increase(troupe_trajectory_dropped_total{job="troupe-actor",${CHOSEN}}[5m]))`,
    }),
    curves(["Reconnects", "In five minutes."], {
      "{{instance}}": `sum by (instance) (increase(troupe_session_reconnects_total{${CHOSEN}}[5m]))`,
    }),
    curves(["Restarts", "Of threads, in five minutes."], {
      "{{instance}} {{role}}": `sum by (instance, role) (increase(troupe_worker_restarts_total{${CHOSEN}}[5m]))`,
    }),
    curves(["Policy version", "Learner step of the oldest policy that an actor acts with."], {
      "{{instance}}": `min by (instance) (troupe_actor_policy_version{${CHOSEN}})`,
    }),
  ],
};

const processes: Row = {
  title: "Processes",
  panels: [
    curves(
      ["CPU", "Cores in use."],
      { "{{instance}}": `rate(process_cpu_seconds_total{${CHOSEN}}[$__rate_interval])` },
      { unit: "none" },
    ),
    curves(
      ["Memory", "Resident."],
      { "{{instance}}": `process_resident_memory_bytes{${CHOSEN}}` },
      { unit: "bytes" },
    ),
    curves(
      ["Memory and heap", "Of what the process may use."],
      {
        "{{instance}} memory": `instance:troupe_memory:usage_ratio{${CHOSEN}}`,
        "{{instance}} heap": `instance:troupe_heap:usage_ratio{${CHOSEN}}`,
      },
      { unit: "percentunit" },
    ),
    curves(
      ["Event loop lag", "Of the main thread, the slowest in 100."],
      { "{{instance}}": `nodejs_eventloop_lag_p99_seconds{${CHOSEN}}` },
      { unit: "s" },
    ),
    curves(
      ["Garbage collection", "Share of the main thread's time."],
      {
        "{{instance}}": `sum by (instance) (rate(nodejs_gc_duration_seconds_sum{${CHOSEN}}[$__rate_interval]))`,
      },
      { unit: "percentunit" },
    ),
    curves(["Up", "1: Prometheus reaches it."], {
      "{{job}} {{instance}}": `up{job=~"troupe.*",${CHOSEN}}`,
    }),
  ],
};

export const systemRows: readonly Row[] = [delivery, keeping, instances, processes];
