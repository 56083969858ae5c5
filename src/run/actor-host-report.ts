import { crashFault } from "../actors/env-fault.ts";
import { readVersions } from "../config/versions.ts";
import { summarise } from "../math/summary.ts";
import type { Logger } from "../metrics/log.ts";
import { compact } from "../metrics/progress.ts";
import { MetricsRegistry } from "../metrics/registry.ts";
import { type MetricsServer, startMetricsServer } from "../metrics/server.ts";
import type { GetRunResponse } from "../transport/generated/troupe/v1/actor.ts";
import type { ActorHost, ActorHostEvent, ActorHostStatus } from "./actor-host.ts";

export interface ActorHostReportOptions {
  readonly log: Logger;
  /** Takes a line of progress every few seconds. */
  readonly progress?: (line: string) => void;
  /** Where Prometheus may scrape; port 0: any free one. */
  readonly metrics?: { readonly host: string; readonly port: number };
  readonly hostId: string;
}

const PROGRESS_MS = 5_000;
/** A learner that restarts is back within this, as a rule; longer, and the host is of no use where it is. */
const MAX_DISCONNECTED_MS = 60_000;

/** What an actor host shows: log, progress, metrics for Prometheus, health. */
export class ActorHostReport implements AsyncDisposable {
  readonly registry = new MetricsRegistry(["actors"]);
  readonly #options: ActorHostReportOptions;
  readonly #timer: NodeJS.Timeout;
  #server: MetricsServer | undefined;
  #host: ActorHost | undefined;
  #returns: number[] = [];
  #last = { at: performance.now(), envSteps: 0 };

  private constructor(options: ActorHostReportOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#progress(), PROGRESS_MS);
    this.#timer.unref();
  }

  /** @throws RunError PORT_IN_USE, CONFIG_INVALID */
  static async open(options: ActorHostReportOptions): Promise<ActorHostReport> {
    const report = new ActorHostReport(options);
    const { troupe, ...versions } = readVersions();
    report.registry.recorder.set("troupe_build_info", 1, { version: troupe, ...versions });
    report.registry.recorder.set("troupe_role_info", 1, { role: "actor" });
    if (options.metrics) {
      report.#server = await startMetricsServer({
        ...options.metrics,
        registry: report.registry,
        health: () => report.#health(),
      });
      options.log.info({ url: report.#server.url }, "metrics for Prometheus");
    }
    return report;
  }

  /** Reports `host` from now on. */
  watch(host: ActorHost): void {
    this.#host = host;
  }

  readonly onEvent = (event: ActorHostEvent): void => {
    const { log } = this.#options;
    switch (event.type) {
      case "run":
        this.#describe(event.run);
        return;
      case "joined":
        log.info(`takes slot ${event.slot}, incarnation ${event.incarnation}`);
        return;
      case "episode":
        this.#returns.push(event.end.episodeReturn);
        if (event.end.outcome === "failed") {
          log.warn(`actor ${event.slot}: the episode failed: ${event.end.reason}`);
        }
        return;
      case "crash": {
        const { error, restartInMs } = event.crash;
        const next = restartInMs === undefined ? "given up" : `restarts in ${restartInMs} ms`;
        log.error(`${error.message}; ${next}`);
        const reason = crashFault(error);
        if (reason) this.registry.recorder.inc("troupe_env_failures_total", 1, { reason });
        if (restartInMs === undefined) return;
        this.registry.recorder.inc("troupe_worker_restarts_total", 1, { role: "actor" });
        return;
      }
      case "log":
        log[event.level](event.message);
        return;
      default:
        event satisfies never;
    }
  };

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#server?.[Symbol.asyncDispose]();
  }

  #describe({ runId, envId, algorithm, seed, term, shape, envsPerActor }: GetRunResponse): void {
    const labels = { run_id: runId, env: envId, algo: algorithm, seed: String(seed) };
    this.registry.recorder.set("troupe_run_info", 1, labels);
    this.#options.log.info(
      { host: this.#options.hostId, envsPerActor, unrollLength: shape?.unrollLength },
      `run ${runId}: ${algorithm} on ${envId}, term ${term}`,
    );
  }

  #progress(): void {
    const status = this.#host?.status;
    if (!status) return;
    const now = performance.now();
    const seconds = (now - this.#last.at) / 1000;
    const stepsPerSecond = (status.envSteps - this.#last.envSteps) / seconds;
    const returns = this.#returns;
    this.#last = { at: now, envSteps: status.envSteps };
    this.#returns = [];
    this.#options.progress?.(progressLine(status, { stepsPerSecond, returns }));
  }

  /** A learner that is away for a moment is no illness. */
  #health() {
    const status = this.#host?.status;
    const { connected = false, disconnectedMs = 0, actorsAlive = 0, workers = 0 } = status ?? {};
    const isReachable = connected || disconnectedMs < MAX_DISCONNECTED_MS;
    // Before the learner has taken them in, there are none to be alive.
    const isActing = actorsAlive > 0 || !connected;
    return {
      ok: isReachable && isActing,
      host: this.#options.hostId,
      connected,
      disconnectedSeconds: Math.round(disconnectedMs / 1000),
      actors: `${actorsAlive}/${workers}`,
      policyVersion: status?.policyVersion ?? -1,
    };
  }
}

/** `12:30:05 actor fps=9.1k actors=4/4 outbox=3 acked=12k policy=61k (0.2s old) ret=1843 connected`. */
function progressLine(
  status: ActorHostStatus,
  { stepsPerSecond, returns }: { stepsPerSecond: number; returns: readonly number[] },
): string {
  const { connected, disconnectedMs, policyVersion, policyAgeMs, droppedUnrolls } = status;
  const clock = new Date().toTimeString().slice(0, 8);
  const age = Number.isFinite(policyAgeMs) ? ` (${(policyAgeMs / 1000).toFixed(1)}s old)` : "";
  const words = [
    `fps=${compact(stepsPerSecond)}`,
    `actors=${status.actorsAlive}/${status.workers}`,
    `outbox=${status.outboxFrames}`,
    `acked=${compact(status.durableUnrolls)}`,
    ...(droppedUnrolls > 0 ? [`dropped=${compact(droppedUnrolls)}`] : []),
    ...(status.refusedUnrolls > 0 ? [`refused=${compact(status.refusedUnrolls)}`] : []),
    `policy=${policyVersion < 0 ? "random" : compact(policyVersion)}${age}`,
    ...(returns.length > 0 ? [`ret=${compact(summarise(returns).mean)}`] : []),
    connected ? "connected" : `no learner for ${Math.round(disconnectedMs / 1000)}s`,
  ];
  return `${clock} actor ${words.join(" ")}`;
}
