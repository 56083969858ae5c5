import {
  CALL_DURATION,
  counter,
  gauge,
  histogram,
  type MetricSection,
  WIRE_DURATION,
} from "../declare.ts";

/** FrameRefusalReason of protocol.ts, and replay's. */
const FRAME_REASONS = [
  "checksum",
  "format",
  "dtype",
  "shape",
  "oversize",
  "early-end",
  "flag",
  "non-finite",
  "action-range",
] as const;

/** RefusalReason of actor.proto. */
const SESSION_REASONS = [
  "protocol-version",
  "run",
  "env",
  "shape",
  "fenced",
  "protocol",
  "full",
  "silent",
  "superseded",
  "role",
  "tls",
] as const;

export const delivery = {
  title: "Delivery",
  from: undefined,
  metrics: {
    troupe_trajectory_dropped_total: counter(
      "Unrolls that will not be in replay: what was wrong with them, or outbox for one that had to make room. A refused one is counted by the learner and by its host.",
      { labels: ["reason"], values: [...FRAME_REASONS, "outbox"] },
    ),
    troupe_policy_transfer_failures_total: counter(
      "Policies that did not get from the learner to an actor host, by why; they are asked for again.",
      { labels: ["reason"], values: ["checksum", "stalled", "broken"] },
    ),
    troupe_grpc_requests_total: counter(
      "Calls that ended: those answered by a learner, those made by an actor host.",
      { labels: ["method", "code"] },
    ),
    troupe_grpc_request_duration_seconds: histogram("How long they took.", {
      buckets: CALL_DURATION,
      labels: ["method"],
    }),
  },
} as const satisfies MetricSection;

export const gateway = {
  title: "Delivery, at the learner",
  from: "learner",
  metrics: {
    troupe_trajectory_queue_length: gauge("Unrolls waiting for the learner."),
    troupe_sessions_opened_total: counter("Sessions of actors that began."),
    troupe_session_refused_total: counter("Sessions refused or ended by the learner, by why.", {
      labels: ["reason"],
      values: SESSION_REASONS,
    }),
    troupe_trajectory_received_total: counter("Unrolls accepted from actors."),
    troupe_trajectory_received_bytes_total: counter("Bytes of them."),
    troupe_trajectory_duplicate_total: counter(
      "Unrolls that came again after a reconnect and were not taken again.",
    ),
    troupe_trajectory_resend_total: counter(
      "Unrolls asked for again, because they did not have their checksum.",
    ),
    troupe_window_frames: gauge("Unrolls that one actor may have under way."),
    troupe_credit_frames: gauge(
      "Unrolls that actors may send before they hear more, over all sessions.",
    ),
    troupe_policy_sent_total: counter("Policies sent, over all actor hosts."),
    troupe_policy_sent_bytes_total: counter("Bytes of them."),
  },
} as const satisfies MetricSection;

export const uplink = {
  title: "Delivery, at an actor host",
  from: "actors",
  metrics: {
    troupe_sessions_connected: gauge("Actors of this host that the learner has welcomed."),
    troupe_session_reconnects_total: counter("Sessions opened again after one was lost."),
    troupe_outbox_frames: gauge("Unrolls kept until they are durable, over all actors."),
    troupe_trajectory_resent_total: counter("Unrolls sent again."),
    troupe_trajectory_ack_duration_seconds: histogram(
      "From the sending of an unroll to the word that it is durable.",
      { buckets: WIRE_DURATION },
    ),
    troupe_actor_policy_version: gauge(
      "Learner step of the policy that actors act with; -1 while they act at random.",
    ),
    troupe_policy_fetch_duration_seconds: histogram(
      "Receiving a policy, from its first slice to its last.",
      { buckets: WIRE_DURATION },
    ),
    troupe_policy_fetched_bytes_total: counter("Bytes of policies received."),
  },
} as const satisfies MetricSection;

export const log = {
  title: "The log of accepted unrolls",
  from: "learner",
  metrics: {
    troupe_log_sync_duration_seconds: histogram("Flushing a group of records to the disk.", {
      buckets: WIRE_DURATION,
    }),
    troupe_log_size_bytes: gauge("Bytes of it on the disk."),
    troupe_log_quota_bytes: gauge("Bytes it may take."),
    troupe_log_pending_frames: gauge("Unrolls accepted and not durable yet."),
    troupe_log_written_bytes_total: counter("Bytes written."),
    troupe_log_errors_total: counter("Writes that failed and are tried again, by why.", {
      labels: ["reason"],
      values: ["disk-full", "io"],
    }),
    troupe_log_trouble: gauge("1 while nothing can be written, e.g. on a full disk, else 0."),
  },
} as const satisfies MetricSection;
