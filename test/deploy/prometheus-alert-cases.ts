import type { AlertTest } from "./prometheus-rules.ts";

const RUN = { run: "r" };
const LEARNER = { ...RUN, job: "troupe-learner", instance: "learner:9464" };
const HOST = { ...RUN, job: "troupe-actor", instance: "host1:9464" };
const ON_HOST = 'job="troupe-actor",instance="host1:9464"';

/** Something was counted once, after half an hour of nothing. */
const ONE_AFTER_A_WHILE = "0x120 1x8";
const NEVER = "0x128";
const LATE = "32m";

/** A buckets' series of a histogram by its bounds. */
function buckets(name: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([le, value]) => [`${name}_bucket{le="${le}"}`, value]),
  );
}

const silent = (series: AlertTest["series"], at: string): AlertTest => ({
  series,
  at,
  expected: [],
});

/** For each alert when it fires, with its texts, and when it must not. */
export const alertCases: Readonly<Record<string, readonly AlertTest[]>> = {
  TroupeTargetDown: [
    {
      series: { [`up{${ON_HOST}}`]: "1x20 0x20" },
      at: "9m",
      expected: [
        {
          labels: HOST,
          summary: "troupe-actor host1:9464 of run r does not answer",
          description:
            "It was scraped within the last hour and is not any more, and the run is not complete.",
        },
      ],
    },
    // A scrape that failed now and then, one that never worked, another job, a run that is complete.
    silent({ up: "1x20 0 1 0 0 1x20" }, "9m"),
    silent({ up: "0x40" }, "9m"),
    silent({ 'up{job="node"}': "1x20 0x20" }, "9m"),
    silent(
      {
        up: "1x20 0x20",
        troupe_env_steps_done: "0+50x20",
        troupe_env_steps_planned: "1000x20",
      },
      "9m",
    ),
  ],
  TroupeLearnerStalled: [
    {
      series: {
        troupe_learner_updates_total: "0+9x40 360x100",
        troupe_env_steps_done: "0+9x40 123456x100",
      },
      at: "34m",
      expected: [
        {
          labels: LEARNER,
          summary: "The learner of run r has made no update for 20 minutes",
          description: "Environment steps stand at 123.5k.",
        },
      ],
    },
    // Updates go on; the replay is being filled; a learner that was held up for a while.
    silent({ troupe_learner_updates_total: "0+9x140", troupe_env_steps_total: "0+9x140" }, "34m"),
    silent({ troupe_learner_updates_total: "0x140", troupe_env_steps_total: "0+9x140" }, "34m"),
    silent({ troupe_learner_updates_total: "0+9x40 360x50 361+9x50" }, "34m"),
  ],
  TroupeNoActors: [
    {
      series: { troupe_actors_connected: "2x8 0x40", troupe_actors_expected: "4x48" },
      at: "10m",
      expected: [
        {
          labels: RUN,
          summary: "Run r has no actor",
          description: "The learner is alive and nobody acts for it.",
        },
      ],
    },
    silent({ troupe_actors_connected: "2x8 0x10 1x30", troupe_actors_expected: "4x48" }, "10m"),
  ],
  TroupeActorsMissing: [
    {
      series: { troupe_actors_connected: "4x8 3x40", troupe_actors_expected: "4x48" },
      at: "10m",
      expected: [
        {
          labels: RUN,
          summary: "Run r has 3 actors, fewer than 80 % of those expected",
          description: "The learner waits longer for experience; the run goes on.",
        },
      ],
    },
    // Enough of them; nobody said how many there should be; none, which is another alert.
    silent({ troupe_actors_connected: "8x48", troupe_actors_expected: "10x48" }, "10m"),
    silent({ troupe_actors_connected: "3x48", troupe_actors_expected: "0x48" }, "10m"),
    silent({ troupe_actors_connected: "0x48", troupe_actors_expected: "4x48" }, "10m"),
  ],
  TroupeActorSilent: [
    {
      series: {
        troupe_actors_connected: "2x60",
        troupe_actor_heartbeat_timestamp_seconds: "0+15x8 120x52",
      },
      at: "10m",
      expected: [
        {
          labels: LEARNER,
          summary: "An actor of run r has been silent for 8m 0s",
          description: "It counts as connected but shows no sign of life.",
        },
      ],
    },
    silent(
      {
        troupe_actors_connected: "2x60",
        troupe_actor_heartbeat_timestamp_seconds: "0+15x60",
      },
      "10m",
    ),
    silent(
      {
        troupe_actors_connected: "0x60",
        troupe_actor_heartbeat_timestamp_seconds: "0x60",
      },
      "10m",
    ),
  ],
  TroupeWorkerCrashLoop: [
    {
      series: { [`troupe_worker_restarts_total{role="actor",${ON_HOST}}`]: "0x8 0+1x60" },
      at: "10m",
      expected: [
        {
          labels: { ...HOST, role: "actor" },
          summary: "Threads of host1:9464 (r) keep crashing",
          description: "Restarts within 15 minutes: 31. A slot that goes on crashing is given up.",
        },
      ],
    },
    silent({ 'troupe_worker_restarts_total{role="actor"}': "0x20 1x20 2x20" }, "15m"),
  ],
  TroupeEnvironmentFails: [
    {
      series: {
        'troupe_episodes_total{outcome="failed"}': "0+1x120",
        'troupe_episodes_total{outcome="truncated"}': "0+9x120",
      },
      at: "30m",
      expected: [
        {
          labels: RUN,
          summary: "More than 5 % of the episodes of run r end by a failing environment",
          description: "Within 15 minutes: 60.",
        },
      ],
    },
    silent(
      {
        'troupe_episodes_total{outcome="failed"}': "0+1x120",
        'troupe_episodes_total{outcome="truncated"}': "0+99x120",
      },
      "30m",
    ),
  ],
  TroupeResumeLoop: [
    {
      series: {
        'troupe_learner_term{instance="node1:9464"}': "1x20 2x20",
        'troupe_learner_term{instance="node2:9464"}': "_x40 3x20 4x20",
      },
      at: "19m",
      expected: [
        {
          labels: RUN,
          summary: "The learner of run r was started 3 times more within an hour",
          description: "Something ends it again and again.",
        },
      ],
    },
    silent({ troupe_learner_term: "7x40 8x40" }, "19m"),
  ],
  TroupeNonFiniteUpdates: [
    {
      series: { troupe_train_nonfinite_total: "0x100 2x28" },
      at: "26m",
      expected: [
        {
          labels: LEARNER,
          summary: "Losses or gradients of run r were not finite",
          description: "Updates thrown away within 10 minutes: 2.",
        },
      ],
    },
    silent({ troupe_train_nonfinite_total: "3x128" }, LATE),
  ],
  TroupeRolledBack: [
    {
      series: { troupe_train_rollbacks_total: ONE_AFTER_A_WHILE },
      at: LATE,
      expected: [
        {
          labels: LEARNER,
          summary: "Run r went back to its last checkpoint",
          description: "Too many updates in a row were not finite.",
        },
      ],
    },
    silent({ troupe_train_rollbacks_total: NEVER }, LATE),
  ],
  TroupeReturnCollapsed: [
    {
      series: {
        troupe_eval_return_mean: "5000x40 1200x100",
        troupe_eval_return_std: "300x140",
      },
      at: "34m",
      expected: [
        {
          labels: LEARNER,
          summary: "Evaluations of run r are far below their best of the last 6 hours",
          description: "The best was 5k.",
        },
      ],
    },
    {
      series: {
        troupe_eval_return_mean: "-100x40 -900x100",
        troupe_eval_return_std: "50x140",
      },
      at: "34m",
      expected: [
        {
          labels: LEARNER,
          summary: "Evaluations of run r are far below their best of the last 6 hours",
          description: "The best was -100.",
        },
      ],
    },
    // It goes up; it is lower within its spread; the spread is small and so is the loss.
    silent(
      { troupe_eval_return_mean: "-900x40 -100x100", troupe_eval_return_std: "50x140" },
      "34m",
    ),
    silent(
      { troupe_eval_return_mean: "-120x40 -200x100", troupe_eval_return_std: "80x140" },
      "34m",
    ),
    silent({ troupe_eval_return_mean: "5000x40 4000x100", troupe_eval_return_std: "3x140" }, "34m"),
  ],
  TroupePolicyLagHigh: [
    {
      series: buckets("troupe_policy_lag_versions", {
        512: "0+90x140",
        1024: "0+100x140",
        "+Inf": "0+100x140",
      }),
      at: "34m",
      expected: [
        {
          labels: RUN,
          summary: "Experience of run r is old when it reaches the learner",
          description: "1 in 100 unrolls is older than 972.8 learner steps.",
        },
      ],
    },
    silent(
      buckets("troupe_policy_lag_versions", {
        64: "0+90x140",
        128: "0+100x140",
        "+Inf": "0+100x140",
      }),
      "34m",
    ),
  ],
  TroupeActorPolicyStuck: [
    {
      series: {
        troupe_learner_policy_version: "0+50x80",
        [`troupe_actor_policy_version{${ON_HOST}}`]: "0+50x10 500x70",
        'troupe_actor_policy_version{job="troupe-actor",instance="host2:9464"}': "0+50x80",
      },
      at: "20m",
      expected: [
        {
          labels: HOST,
          summary: "host1:9464 of run r gets no new policy",
          description: "The learner publishes; this host's policy has not changed for 10 minutes.",
        },
      ],
    },
    // The learner publishes nothing either.
    silent(
      {
        troupe_learner_policy_version: "100x80",
        [`troupe_actor_policy_version{${ON_HOST}}`]: "100x80",
      },
      "20m",
    ),
  ],
  TroupeReplayStarved: [
    {
      series: {
        'troupe_blocked_seconds_total{side="learner",reason="replay_starved"}': "0+14.7x140",
      },
      at: "34m",
      expected: [
        {
          labels: { ...RUN, reason: "replay_starved" },
          summary: "The learner of run r waits for experience 98% of the time",
          description: "Actors are too few or too slow for it.",
        },
      ],
    },
    silent(
      {
        'troupe_blocked_seconds_total{side="learner",reason="replay_starved"}': "0+9x140",
        'troupe_blocked_seconds_total{side="learner",reason="warm_up"}': "0+15x140",
      },
      "34m",
    ),
  ],
  TroupeTrajectoriesDropped: [
    {
      series: {
        'troupe_trajectory_dropped_total{reason="checksum"}': "0x100 5x28",
        'troupe_trajectory_dropped_total{reason="shape"}': NEVER,
        // The host that sent them has heard of it.
        [`troupe_trajectory_dropped_total{reason="checksum",${ON_HOST}}`]: "0x100 5x28",
      },
      at: "26m",
      expected: [
        {
          labels: { ...RUN, reason: "checksum" },
          summary: "Unrolls of run r were dropped: checksum",
          description: "Within 10 minutes: 5.",
        },
      ],
    },
    {
      series: { [`troupe_trajectory_dropped_total{reason="outbox",${ON_HOST}}`]: "0x100 5x28" },
      at: "26m",
      expected: [
        {
          labels: { ...RUN, reason: "outbox" },
          summary: "Unrolls of run r were dropped: outbox",
          description: "Within 10 minutes: 5.",
        },
      ],
    },
    silent({ 'troupe_trajectory_dropped_total{reason="checksum"}': "5x128" }, LATE),
  ],
  TroupeActorFenced: [
    {
      series: { 'troupe_session_refused_total{reason="fenced"}': ONE_AFTER_A_WHILE },
      at: LATE,
      expected: [
        {
          labels: RUN,
          summary: "A process of run r tried to act under a name that another has taken over",
          description: "Within 15 minutes: 1.",
        },
      ],
    },
    silent(
      {
        'troupe_session_refused_total{reason="fenced"}': NEVER,
        'troupe_session_refused_total{reason="env"}': ONE_AFTER_A_WHILE,
      },
      LATE,
    ),
  ],
  TroupeSessionsRefused: [
    {
      series: { 'troupe_session_refused_total{reason="env"}': ONE_AFTER_A_WHILE },
      at: LATE,
      expected: [
        {
          labels: { ...RUN, reason: "env" },
          summary: "The learner of run r refuses actors: env",
          description: "Sessions within 10 minutes: 1.",
        },
      ],
    },
    silent(
      {
        'troupe_session_refused_total{reason="fenced"}': ONE_AFTER_A_WHILE,
        'troupe_session_refused_total{reason="env"}': NEVER,
      },
      LATE,
    ),
  ],
  TroupeCallsForbidden: [
    {
      // Never seen before: there is no increase, only a first number.
      series: {
        'troupe_grpc_requests_total{method="Stop",code="PERMISSION_DENIED"}': "_x100 3x28",
      },
      at: "26m",
      expected: [
        {
          labels: { ...RUN, method: "Stop" },
          summary: "Calls to the learner of run r were turned away: Stop",
          description: "For want of a certificate of the right role; within 10 minutes: 3.",
        },
      ],
    },
    {
      series: {
        'troupe_grpc_requests_total{method="Stop",code="PERMISSION_DENIED"}': "3x100 5x28",
      },
      at: "26m",
      expected: [
        {
          labels: { ...RUN, method: "Stop" },
          summary: "Calls to the learner of run r were turned away: Stop",
          description: "For want of a certificate of the right role; within 10 minutes: 2.",
        },
      ],
    },
    silent(
      {
        'troupe_grpc_requests_total{method="Stop",code="PERMISSION_DENIED"}': "3x128",
        'troupe_grpc_requests_total{method="Stop",code="OK"}': "0+1x128",
      },
      LATE,
    ),
  ],
  TroupeCallsFail: [
    {
      series: {
        'troupe_grpc_requests_total{method="GetPolicy",code="INTERNAL"}': "_x100 1x28",
        'troupe_grpc_requests_total{method="GetPolicy",code="OK"}': "0+1x128",
      },
      at: "26m",
      expected: [
        {
          labels: { ...RUN, method: "GetPolicy", code: "INTERNAL" },
          summary: "Calls of run r fail: GetPolicy with INTERNAL",
          description: "Within 10 minutes: 1.",
        },
      ],
    },
    // A learner that stops, an actor that goes.
    silent(
      {
        'troupe_grpc_requests_total{method="Session",code="UNAVAILABLE"}': "0x100 9x28",
        'troupe_grpc_requests_total{method="Session",code="CANCELLED"}': "0x100 9x28",
      },
      LATE,
    ),
  ],
  TroupeReconnects: [
    {
      series: {
        [`troupe_session_reconnects_total{${ON_HOST}}`]: "0x80 0+1x48",
        [`troupe_sessions_connected{${ON_HOST}}`]: "4x100 0x28",
      },
      at: "26m",
      expected: [
        {
          labels: HOST,
          summary: "Sessions of host1:9464 (r) break again and again",
          description: "Reconnects within 10 minutes: 23.",
        },
      ],
    },
    // All actors of a host, twice.
    silent(
      {
        [`troupe_session_reconnects_total{${ON_HOST}}`]: "0x80 32x10 64x38",
        [`troupe_sessions_connected{${ON_HOST}}`]: "32x128",
      },
      "26m",
    ),
  ],
  TroupeAckSlow: [
    {
      series: buckets("troupe_trajectory_ack_duration_seconds", {
        10: "0+50x140",
        20: "0+100x140",
        "+Inf": "0+100x140",
      }),
      at: "34m",
      expected: [
        {
          labels: RUN,
          summary: "Unrolls of run r take 19.8s to become durable",
          description: "That is the slowest in 100; meanwhile outboxes hold them.",
        },
      ],
    },
    silent(
      buckets("troupe_trajectory_ack_duration_seconds", {
        0.1: "0+50x140",
        0.2: "0+100x140",
        "+Inf": "0+100x140",
      }),
      "34m",
    ),
  ],
  TroupePolicyTransferFails: [
    {
      series: { 'troupe_policy_transfer_failures_total{reason="checksum"}': "0x80 0+1x48" },
      at: "26m",
      expected: [
        {
          labels: { ...RUN, reason: "checksum" },
          summary: "Policies of run r do not reach actor hosts: checksum",
          description: "Failures within 10 minutes: 23.",
        },
      ],
    },
    silent({ 'troupe_policy_transfer_failures_total{reason="checksum"}': "0x100 2x28" }, "26m"),
  ],
  TroupeCheckpointStale: [
    {
      series: {
        troupe_checkpoint_last_success_timestamp_seconds: "0x80",
        troupe_checkpoint_interval_seconds: "120x80",
      },
      at: "10m",
      expected: [
        {
          labels: RUN,
          summary: "The last checkpoint of run r is 10m 0s old",
          description:
            "That is more than three times as old as it should get. What a crash would lose grows.",
        },
      ],
    },
    // In time; not by time.
    silent(
      {
        troupe_checkpoint_last_success_timestamp_seconds: "0+15x80",
        troupe_checkpoint_interval_seconds: "120x80",
      },
      "10m",
    ),
    silent(
      {
        troupe_checkpoint_last_success_timestamp_seconds: "0x80",
        troupe_checkpoint_interval_seconds: "0x80",
      },
      "10m",
    ),
  ],
  TroupeCheckpointFails: [
    {
      series: { troupe_checkpoint_failures_total: ONE_AFTER_A_WHILE },
      at: LATE,
      expected: [
        {
          labels: LEARNER,
          summary: "Run r could not write a checkpoint",
          description: "The one before is untouched. Failures within 15 minutes: 1.",
        },
      ],
    },
    silent({ troupe_checkpoint_failures_total: NEVER }, LATE),
  ],
  TroupeLogTrouble: [
    {
      series: { troupe_log_trouble: "0x8 1x20" },
      at: "5m",
      expected: [
        {
          labels: RUN,
          summary: "The log of run r cannot be written",
          description: "Nothing becomes durable, so that actors come to wait; no unroll is lost.",
        },
      ],
    },
    silent({ troupe_log_trouble: "0x20" }, "5m"),
  ],
  TroupeLogErrors: [
    {
      series: { 'troupe_log_errors_total{reason="disk-full"}': ONE_AFTER_A_WHILE },
      at: LATE,
      expected: [
        {
          labels: { ...RUN, reason: "disk-full" },
          summary: "Writes to the log of run r failed: disk-full",
          description: "They are tried again. Within 15 minutes: 1.",
        },
      ],
    },
    silent({ 'troupe_log_errors_total{reason="disk-full"}': NEVER }, LATE),
  ],
  TroupeLogSlow: [
    {
      series: buckets("troupe_log_sync_duration_seconds", {
        2: "0+50x140",
        5: "0+100x140",
        "+Inf": "0+100x140",
      }),
      at: "34m",
      expected: [
        {
          labels: RUN,
          summary: "The disk of run r takes 4.94s to flush the log",
          description: "That is the slowest in 100. No unroll is acknowledged before.",
        },
      ],
    },
    silent(
      buckets("troupe_log_sync_duration_seconds", {
        0.02: "0+50x140",
        0.05: "0+100x140",
        "+Inf": "0+100x140",
      }),
      "34m",
    ),
  ],
  TroupeLogQuota: [
    {
      series: { troupe_log_size_bytes: "13e9x60", troupe_log_quota_bytes: "10e9x60" },
      at: "14m",
      expected: [
        {
          labels: RUN,
          summary: "The log of run r takes 130% of its quota",
          description: "Checkpoints need all of it, so that nothing of it can be removed.",
        },
      ],
    },
    silent({ troupe_log_size_bytes: "10e9x60", troupe_log_quota_bytes: "10e9x60" }, "14m"),
  ],
  TroupeMemoryNearLimit: [
    {
      series: {
        [`process_resident_memory_bytes{${ON_HOST}}`]: "950e6x40",
        [`troupe_memory_limit_bytes{${ON_HOST}}`]: "1e9x40",
      },
      at: "9m",
      expected: [
        {
          labels: HOST,
          summary: "host1:9464 (r) uses 95% of the memory it may use",
          description: "Beyond its limit the system ends it.",
        },
      ],
    },
    silent(
      { process_resident_memory_bytes: "600e6x40", troupe_memory_limit_bytes: "1e9x40" },
      "9m",
    ),
  ],
  TroupeHeapNearLimit: [
    {
      series: { nodejs_heap_size_used_bytes: "950e6x40", troupe_heap_limit_bytes: "1e9x40" },
      at: "9m",
      expected: [
        {
          labels: LEARNER,
          summary: "The heap of learner:9464 (r) is 95% full",
          description: "Node ends a process whose heap is full.",
        },
      ],
    },
    silent({ nodejs_heap_size_used_bytes: "100e6x40", troupe_heap_limit_bytes: "1e9x40" }, "9m"),
  ],
};
