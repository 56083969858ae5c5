import { setTimeout as sleep } from "node:timers/promises";
import { Server } from "@grpc/grpc-js";
import { RunError } from "../../errors.ts";
import { MetricsRecorder } from "../../metrics/recorder.ts";
import type { FrameLog } from "../../replay/log/frame-log.ts";
import { checkTerm } from "../../storage/run-lock.ts";
import { controlServices, type DeniedCall } from "../control/control-services.ts";
import { NoticeKind } from "../generated/troupe/v1/actor.ts";
import type { GetStatusResponse } from "../generated/troupe/v1/control.ts";
import { SharedMailbox } from "../shared-mailbox.ts";
import type { TlsRefusal } from "../tls-refusals.ts";
import { ActorService } from "./actor-service.ts";
import { CheckpointRequests } from "./checkpoint-requests.ts";
import { Gateway } from "./gateway.ts";
import { statusOf } from "./gateway-status.ts";
import type { Farewell, GatewayEvent, GatewaySetup, LearnerProgress } from "./gateway-task.ts";
import { openListeners } from "./listeners.ts";
import { LogMonitor } from "./log-monitor.ts";
import { LogThrottle } from "./log-throttle.ts";
import { type LogListener, type LogParts, type OpenedLog, openLog } from "./open-log.ts";
import { PolicyFeed } from "./policy-feed.ts";
import { PolicySource } from "./policy-source.ts";
import { PulseTimer } from "./pulse-timer.ts";

const SERVER_OPTIONS = {
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.keepalive_permit_without_calls": 1,
  // Far above any frame; what is merely too long for this run is refused politely.
  "grpc.max_receive_message_length": 64 << 20,
  "grpc.max_send_message_length": 64 << 20,
};

const REPORT_MS = 500;
const TERM_CHECK_MS = 1000;
/** The main thread reports twice a second as long as the learner's thread does; an update or checkpoint may take long. */
const HEALTHY_SILENCE_MS = 30_000;
/** For last messages to leave, where there is nobody left to be waited for. */
const FLUSH_MS = 250;
const POLL_MS = 5;

interface HostParts extends LogParts {
  readonly recorder: MetricsRecorder;
}

/** The learner's end of the gRPC transport: server, sessions, log and policies, in whatever thread opens it. */
export class GatewayHost implements AsyncDisposable, LogListener {
  /** Resolves when it was closed; rejects RUN_LOCKED, CHECKPOINT_CORRUPT, or what else made it fail. */
  readonly finished: Promise<void>;
  readonly #setup: GatewaySetup;
  readonly #emit: (event: GatewayEvent) => void;
  readonly #throttle: LogThrottle;
  readonly #recorder: MetricsRecorder;
  readonly #monitor: LogMonitor;
  readonly #gateway: Gateway;
  readonly #log: FrameLog | undefined;
  readonly #policies: PolicyFeed;
  readonly #service: ActorService;
  readonly #checkpoints: CheckpointRequests;
  readonly #server = new Server(SERVER_OPTIONS);
  readonly #began = performance.now();
  readonly #stopping = new AbortController();
  readonly #pulse: PulseTimer;
  readonly #timers: NodeJS.Timeout[] = [];
  #ports: readonly number[] = [];
  #progress: LearnerProgress;
  #reportedAt: number | undefined;
  #closing: Promise<void> | undefined;
  #finish: (outcome: { readonly error: unknown } | undefined) => void = () => undefined;

  private constructor(setup: GatewaySetup, opened: OpenedLog, parts: HostParts) {
    const { emit, recorder } = parts;
    this.#setup = setup;
    this.#progress = setup.progress;
    this.#recorder = recorder;
    this.#monitor = parts.monitor;
    this.#emit = emit;
    this.#throttle = new LogThrottle(emit, () => performance.now());
    this.#log = opened.log;
    this.finished = new Promise((resolve, reject) => {
      this.#finish = (outcome) => (outcome ? reject(outcome.error) : resolve());
    });
    this.finished.catch(() => undefined);
    const { run, limits, queue, board, doorbell } = setup;
    this.#gateway = new Gateway({
      run,
      limits,
      table: opened.table,
      log: opened.log,
      replay: opened.replay,
      queue: new SharedMailbox(queue),
      doorbell,
      recorder: this.#recorder,
      emit: (event) => (event.type === "log" ? this.#throttle.log(event) : emit(event)),
      now: () => performance.now(),
    });
    this.#policies = new PolicyFeed(new PolicySource(board, run.term), this.#recorder);
    this.#service = new ActorService({
      run,
      gateway: this.#gateway,
      policies: this.#policies,
      recorder: this.#recorder,
      mostPolicyCalls: 2 * limits.maxActors + 16,
      onDenied: (denied) => this.#onDenied(denied),
      onFailure: (thrown) => this.#warn(`a message was not understood: ${String(thrown)}`),
      onActivity: () => this.#pulse.wake(),
    });
    this.#checkpoints = new CheckpointRequests((request) => emit({ type: "checkpoint", request }));
    this.#pulse = new PulseTimer({
      beat: () => this.#guard(() => this.#onPulse()),
      isBusy: () => this.#gateway.isBusy || this.#policies.hasWaiting,
    });
    opened.attach(this, this.#stopping.signal);
  }

  /**
   * Opens the log and every listener; calls are answered from here on.
   *
   * @throws RunError PORT_IN_USE, CONFIG_INVALID, CHECKPOINT_CORRUPT, DISK_FULL, RUN_LOCKED.
   */
  static async open(
    setup: GatewaySetup,
    emit: (event: GatewayEvent) => void,
  ): Promise<GatewayHost> {
    const recorder = new MetricsRecorder();
    const parts = { emit, recorder, monitor: new LogMonitor(recorder, emit) };
    const host = new GatewayHost(setup, await openLog(setup, parts), parts);
    try {
      await host.#listen();
      return host;
    } catch (thrown) {
      await host.#shutDown();
      throw thrown;
    }
  }

  /** Of the addresses it listens at, in order; 0 for sockets. */
  get ports(): readonly number[] {
    return this.#ports;
  }

  report(progress: LearnerProgress): void {
    this.#progress = progress;
    this.#reportedAt = performance.now();
  }

  checkpointed(
    request: number,
    result: { readonly name: string } | { readonly error: string },
  ): void {
    this.#checkpoints.answer(request, result);
  }

  /** Tells every actor, stops taking frames, flushes the log, closes. Takes `graceMs` at most, and a little. */
  close(farewell: Farewell): Promise<void> {
    this.#closing ??= this.#close(farewell);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ kind: "draining", message: "the learner stops", graceMs: 0 });
  }

  synced(position: number): void {
    this.#gateway.synced(position);
    this.#pulse.wake();
  }

  /** Ends everything because of `error`. */
  fail(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const { code, message } = RunError.from(error);
    if (code === "RUN_LOCKED") this.#gateway.supersede(message);
    this.#closing ??= this.#closeCalls(performance.now() + FLUSH_MS).then(() => this.#shutDown());
    void this.#closing.then(() => this.#finish({ error }));
  }

  async #listen(): Promise<void> {
    const host = {
      status: () => this.#status(),
      checkpoint: () => this.#checkpoints.ask(),
      stop: () => this.#emit({ type: "stop" }),
      health: () => this.#isHealthy,
      onDenied: (denied: DeniedCall) => this.#onDenied(denied),
    };
    for (const { definition, implementation } of [
      this.#service.service,
      ...controlServices(host),
    ]) {
      this.#server.addService(definition, implementation);
    }
    this.#ports = await openListeners(this.#server, this.#setup.listen, (refusal) =>
      this.#onTlsRefusal(refusal),
    );
    this.#every((1000 * this.#setup.limits.heartbeatSeconds) / 8, () => this.#gateway.tick());
    this.#every(REPORT_MS, () => this.#report());
    const { folder, run } = this.#setup;
    this.#every(TERM_CHECK_MS, () => checkTerm(folder, run.term));
  }

  #every(milliseconds: number, task: () => void): void {
    this.#timers.push(setInterval(() => this.#guard(task), milliseconds));
  }

  /** Runs a task of a timer: if it throws, the gateway has failed. */
  #guard<T>(task: () => T): T | false {
    try {
      return task();
    } catch (thrown) {
      this.fail(thrown);
      return false;
    }
  }

  #onPulse(): boolean {
    const moved = this.#gateway.pulse();
    this.#policies.poll();
    return moved;
  }

  async #close({ kind, message, graceMs }: Farewell): Promise<void> {
    const deadline = performance.now() + graceMs;
    this.#gateway.announceEnd({
      kind: kind === "finished" ? NoticeKind.NOTICE_KIND_FINISHED : NoticeKind.NOTICE_KIND_DRAINING,
      message,
    });
    this.#service.close();
    await until(() => this.#gateway.pendingFrames === 0, deadline);
    this.#gateway.endSessions();
    await this.#closeCalls(deadline);
    await this.#shutDown();
    this.#finish(undefined);
  }

  /** Waits until the calls are over, as far as they will be. */
  async #closeCalls(deadline: number): Promise<void> {
    this.#service.close();
    await until(() => this.#service.openCalls === 0, deadline);
  }

  async #shutDown(): Promise<void> {
    this.#stopping.abort();
    this.#pulse[Symbol.dispose]();
    for (const timer of this.#timers) clearInterval(timer);
    this.#checkpoints.close("the learner stops");
    const closed = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    await Promise.race([closed, sleep(FLUSH_MS)]);
    this.#server.forceShutdown();
    await this.#log?.[Symbol.asyncDispose]();
    this.#report();
  }

  #report(): void {
    if (this.#log) this.#monitor.measure(this.#log.status);
    this.#throttle.flush();
    const { members } = this.#gateway;
    const longestSilenceMs = members.longestSilence(performance.now());
    this.#emit({ type: "actors", connected: members.connected, longestSilenceMs });
    this.#emit({ type: "metrics", update: this.#recorder.drain() });
  }

  #status(): GetStatusResponse {
    const { run, totalSteps } = this.#setup;
    const now = performance.now();
    return statusOf({
      run,
      totalSteps,
      gateway: this.#gateway,
      progress: this.#progress,
      log: this.#log?.status,
      uptimeSeconds: (now - this.#began) / 1000,
      now,
    });
  }

  get #isHealthy(): boolean {
    if (this.#closing !== undefined) return false;
    const silentMs = performance.now() - (this.#reportedAt ?? performance.now());
    return silentMs < HEALTHY_SILENCE_MS;
  }

  #onDenied({ peer, method, message }: DeniedCall): void {
    this.#recorder.inc("troupe_session_refused_total", 1, { reason: "role" });
    this.#warn(`${peer} may not call ${method}: ${message}`);
  }

  #onTlsRefusal({ peer, reason }: TlsRefusal): void {
    this.#recorder.inc("troupe_session_refused_total", 1, { reason: "tls" });
    this.#warn(`${peer} could not connect: ${reason}`);
  }

  #warn(message: string): void {
    this.#throttle.log({ type: "log", level: "warn", message });
  }
}

async function until(condition: () => boolean, deadline: number): Promise<void> {
  while (!condition() && performance.now() < deadline) await sleep(POLL_MS);
}
