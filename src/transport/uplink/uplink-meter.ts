import type { MetricsRecorder } from "../../metrics/recorder.ts";
import type { SentFrame } from "./outbox.ts";
import type { FetchedPolicy } from "./policy-client.ts";
import type { UplinkActor } from "./uplink-actor.ts";

type Method = "GetRun" | "Session" | "GetPolicy";

/** What an uplink measures. */
export class UplinkMeter {
  readonly #recorder: MetricsRecorder;
  #durableUnrolls = 0;
  #refusedUnrolls = 0;
  #droppedUnrolls = 0;
  #resentUnrolls = 0;
  #policyVersion = -1;
  #policyAt = -Infinity;

  constructor(recorder: MetricsRecorder) {
    this.#recorder = recorder;
  }

  get totals() {
    return {
      durableUnrolls: this.#durableUnrolls,
      refusedUnrolls: this.#refusedUnrolls,
      policyVersion: this.#policyVersion,
      policyAgeMs: performance.now() - this.#policyAt,
    };
  }

  durable(frames: readonly SentFrame[]): void {
    const now = performance.now();
    this.#durableUnrolls += frames.length;
    for (const { sentAt } of frames) {
      this.#recorder.observe("troupe_trajectory_ack_duration_seconds", (now - sentAt) / 1000);
    }
  }

  refused(reason: string): void {
    this.#refusedUnrolls += 1;
    this.#recorder.inc("troupe_trajectory_dropped_total", 1, { reason });
  }

  reconnected(): void {
    this.#recorder.inc("troupe_session_reconnects_total");
  }

  policy({ version, seconds, bytes }: FetchedPolicy): void {
    this.#policyVersion = version;
    this.#policyAt = performance.now();
    this.#recorder.observe("troupe_policy_fetch_duration_seconds", seconds);
    this.#recorder.inc("troupe_policy_fetched_bytes_total", bytes);
  }

  policyFailure(reason: string): void {
    this.#recorder.inc("troupe_policy_transfer_failures_total", 1, { reason });
  }

  call(method: Method, code: string, seconds: number): void {
    this.#recorder.inc("troupe_grpc_requests_total", 1, { method, code });
    this.#recorder.observe("troupe_grpc_request_duration_seconds", seconds, { method });
  }

  /** What is looked at now and then. */
  sample(actors: readonly UplinkActor[]): void {
    const sum = (of: (actor: UplinkActor) => number): number =>
      actors.reduce((total, actor) => total + of(actor), 0);
    const recorder = this.#recorder;
    const connected = actors.filter(({ session }) => session.isOpen).length;
    recorder.set("troupe_sessions_connected", connected);
    recorder.set(
      "troupe_outbox_frames",
      sum((actor) => actor.outboxFrames),
    );
    const oldest = Math.min(...actors.map(({ policyVersion }) => policyVersion));
    recorder.set("troupe_actor_policy_version", oldest);
    const dropped = sum(({ droppedUnrolls }) => droppedUnrolls);
    const resent = sum(({ resentUnrolls }) => resentUnrolls);
    if (dropped > this.#droppedUnrolls) {
      const reason = { reason: "outbox" };
      recorder.inc("troupe_trajectory_dropped_total", dropped - this.#droppedUnrolls, reason);
    }
    recorder.inc("troupe_trajectory_resent_total", resent - this.#resentUnrolls);
    this.#droppedUnrolls = dropped;
    this.#resentUnrolls = resent;
  }
}
