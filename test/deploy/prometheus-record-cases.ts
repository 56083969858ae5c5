import type { RecordTest, SeriesValues } from "./prometheus-rules.ts";

/** 15 at each step of 15 s: 1 a second. */
const ONE = "0+15x80";
const TWO = "0+30x80";
const HALF = "0+7.5x80";
const AT = "20m";
const HOST1 = 'job="troupe-actor",instance="host1:9464"';
const HOST2 = 'job="troupe-actor",instance="host2:9464"';

const rate = (series: SeriesValues, expected: RecordTest["expected"]): RecordTest => ({
  series,
  at: AT,
  expected,
});

/** Means of 0.25 s, measured on two hosts. */
function mean(name: string): RecordTest {
  return rate(
    {
      [`${name}_sum{${HOST1}}`]: ONE,
      [`${name}_count{${HOST1}}`]: TWO,
      [`${name}_sum{${HOST2}}`]: "0x80",
      [`${name}_count{${HOST2}}`]: TWO,
    },
    { '{run="r"}': 0.25 },
  );
}

/** Every observation lies between 1 and 2, one half of them on another host. */
function quantile(name: string, expected: number): RecordTest {
  const series = [HOST1, HOST2].flatMap((host) => [
    [`${name}_bucket{le="1",${host}}`, "0x80"],
    [`${name}_bucket{le="2",${host}}`, ONE],
    [`${name}_bucket{le="+Inf",${host}}`, ONE],
  ]);
  return rate(Object.fromEntries(series), { '{run="r"}': expected });
}

const P50 = 1.5;
const P99 = 1.99;

/** Input and outcome of every recording rule. Runs are told apart, processes of one run are not. */
export const recordCases: Readonly<Record<string, RecordTest>> = {
  "run:troupe_env_steps:rate1m": rate(
    { troupe_env_steps_total: TWO, 'troupe_env_steps_total{run="other"}': ONE },
    { '{run="r"}': 2, '{run="other"}': 1 },
  ),
  "run:troupe_learner_updates:rate1m": rate(
    { troupe_learner_updates_total: TWO },
    { '{run="r"}': 2 },
  ),
  "run:troupe_learner_samples:rate1m": rate(
    { troupe_learner_samples_total: TWO },
    { '{run="r"}': 2 },
  ),
  "run_outcome:troupe_episodes:rate5m": rate(
    {
      'troupe_episodes_total{outcome="terminated"}': TWO,
      'troupe_episodes_total{outcome="truncated"}': ONE,
    },
    { '{outcome="terminated",run="r"}': 2, '{outcome="truncated",run="r"}': 1 },
  ),
  "run:troupe_replay:update_ratio5m": rate(
    {
      troupe_learner_updates_total: ONE,
      troupe_env_steps_total: TWO,
      // One that waits has no ratio.
      'troupe_learner_updates_total{run="other"}': "0x80",
      'troupe_env_steps_total{run="other"}': "0x80",
    },
    { '{run="r"}': 0.5 },
  ),
  "run:troupe_replay:samples_per_insert5m": rate(
    { troupe_learner_samples_total: TWO, troupe_replay_added_total: HALF },
    { '{run="r"}': 4 },
  ),
  "run:troupe_env_steps:progress_ratio": rate(
    { troupe_env_steps_done: ONE, troupe_env_steps_planned: "4800x80" },
    { '{run="r"}': 0.25 },
  ),
  "run:troupe_env_steps:seconds_left": rate(
    {
      troupe_env_steps_total: TWO,
      troupe_env_steps_done: TWO,
      troupe_env_steps_planned: "4800x80",
    },
    { '{run="r"}': 1200 },
  ),
  "run:troupe_env_step_duration_seconds:mean5m": mean("troupe_env_step_duration_seconds"),
  "run:troupe_inference_duration_seconds:mean5m": mean("troupe_inference_duration_seconds"),
  "run:troupe_learner_update_duration_seconds:mean5m": mean(
    "troupe_learner_update_duration_seconds",
  ),
  "run:troupe_learner_update_duration_seconds:p99_5m": quantile(
    "troupe_learner_update_duration_seconds",
    P99,
  ),
  "run:troupe_replay_sample_duration_seconds:mean5m": mean("troupe_replay_sample_duration_seconds"),
  "run:troupe_policy_lag_versions:p50_5m": quantile("troupe_policy_lag_versions", P50),
  "run:troupe_policy_lag_versions:p99_5m": quantile("troupe_policy_lag_versions", P99),
  "run_instance:troupe_actor_policy:behind_versions": rate(
    {
      troupe_learner_policy_version: "500x80",
      [`troupe_actor_policy_version{${HOST1}}`]: "450x80",
      [`troupe_actor_policy_version{${HOST2}}`]: "500x80",
    },
    { '{instance="host1:9464",run="r"}': 50, '{instance="host2:9464",run="r"}': 0 },
  ),
  "run:troupe_policy_fetch_duration_seconds:p99_5m": quantile(
    "troupe_policy_fetch_duration_seconds",
    P99,
  ),
  "run_reason:troupe_learner_blocked:share5m": rate(
    {
      'troupe_blocked_seconds_total{side="learner",reason="replay_starved"}': HALF,
      'troupe_blocked_seconds_total{side="actor",reason="mailbox_full"}': ONE,
    },
    { '{reason="replay_starved",run="r"}': 0.5 },
  ),
  "run_reason:troupe_actors_blocked:share5m": rate(
    {
      'troupe_blocked_seconds_total{side="learner",reason="replay_starved"}': ONE,
      [`troupe_blocked_seconds_total{side="actor",reason="mailbox_full",${HOST1}}`]: ONE,
      [`troupe_blocked_seconds_total{side="actor",reason="mailbox_full",${HOST2}}`]: TWO,
      troupe_actors_connected: "4x80",
    },
    { '{reason="mailbox_full",run="r"}': 0.75 },
  ),
  "run:troupe_limiter:position_ratio": rate(
    {
      troupe_limiter_error: "-20x80",
      troupe_limiter_low: "-30x80",
      troupe_limiter_high: "10x80",
    },
    { '{run="r"}': 0.25 },
  ),
  "run:troupe_replay:fill_ratio": rate(
    {
      troupe_replay_size_transitions: "250x80",
      troupe_replay_capacity_transitions: "1000x80",
    },
    { '{run="r"}': 0.25 },
  ),
  "run:troupe_trajectory_received:rate1m": rate(
    { troupe_trajectory_received_total: TWO },
    { '{run="r"}': 2 },
  ),
  "run:troupe_trajectory_received_bytes:rate1m": rate(
    { troupe_trajectory_received_bytes_total: TWO },
    { '{run="r"}': 2 },
  ),
  "run:troupe_policy_sent_bytes:rate1m": rate(
    { troupe_policy_sent_bytes_total: TWO },
    { '{run="r"}': 2 },
  ),
  "run:troupe_trajectory:duplicate_ratio5m": rate(
    { troupe_trajectory_duplicate_total: HALF, troupe_trajectory_received_total: TWO },
    { '{run="r"}': 0.25 },
  ),
  "run_reason:troupe_trajectory_dropped:rate5m": rate(
    {
      'troupe_trajectory_dropped_total{reason="checksum"}': ONE,
      [`troupe_trajectory_dropped_total{reason="checksum",${HOST1}}`]: ONE,
      [`troupe_trajectory_dropped_total{reason="outbox",${HOST1}}`]: ONE,
      [`troupe_trajectory_dropped_total{reason="outbox",${HOST2}}`]: ONE,
    },
    { '{reason="checksum",run="r"}': 1, '{reason="outbox",run="r"}': 2 },
  ),
  "run_reason:troupe_session_refused:rate5m": rate(
    { 'troupe_session_refused_total{reason="fenced"}': ONE },
    { '{reason="fenced",run="r"}': 1 },
  ),
  "run:troupe_trajectory_ack_duration_seconds:p50_5m": quantile(
    "troupe_trajectory_ack_duration_seconds",
    P50,
  ),
  "run:troupe_trajectory_ack_duration_seconds:p99_5m": quantile(
    "troupe_trajectory_ack_duration_seconds",
    P99,
  ),
  "run_method_code:troupe_grpc_requests:rate5m": rate(
    {
      'troupe_grpc_requests_total{method="GetPolicy",code="OK"}': TWO,
      // The same calls, as their other side counts them.
      [`troupe_grpc_requests_total{method="GetPolicy",code="OK",${HOST1}}`]: TWO,
    },
    { '{code="OK",method="GetPolicy",run="r"}': 2 },
  ),
  "run:troupe_checkpoint:age_seconds": rate(
    { troupe_checkpoint_last_success_timestamp_seconds: "0x40 900x40" },
    { '{run="r"}': 300 },
  ),
  "run:troupe_log:usage_ratio": rate(
    { troupe_log_size_bytes: "25x80", troupe_log_quota_bytes: "100x80" },
    { '{run="r"}': 0.25 },
  ),
  "run:troupe_log_sync_duration_seconds:p99_5m": quantile("troupe_log_sync_duration_seconds", P99),
  "run:troupe_eval_return_mean:max6h": rate(
    { troupe_eval_return_mean: "10x10 70x10 30x60" },
    { '{run="r"}': 70 },
  ),
  "instance:troupe_heap:usage_ratio": rate(
    { nodejs_heap_size_used_bytes: "25x80", troupe_heap_limit_bytes: "100x80" },
    { '{job="troupe-learner",instance="learner:9464",run="r"}': 0.25 },
  ),
  "instance:troupe_memory:usage_ratio": rate(
    {
      [`process_resident_memory_bytes{${HOST1}}`]: "25x80",
      [`troupe_memory_limit_bytes{${HOST1}}`]: "100x80",
    },
    { '{job="troupe-actor",instance="host1:9464",run="r"}': 0.25 },
  ),
};
