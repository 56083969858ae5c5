/**
 * Question: how long does a policy take to many subscribers, and does the learning thread feel it?
 *
 * A policy of 10 MB goes from the board to 64 subscribers with a connection each, in two processes, through
 * the gateway's real thread. Meanwhile a thread of this process computes without a pause, as a learner's
 * does, and measures for how long it is ever kept from it.
 *
 *     npm run build && npx tsc -p bench
 *     node bench/dist/bench/load-weights.js [rounds=9] [subscribers=64] [megabytes=10]
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { GatewaySetup } from "../src/transport/gateway/gateway-task.ts";
import { wireShape } from "../src/transport/on-policy-run.ts";
import { PolicyBoard } from "../src/transport/policy-board.ts";
import { SharedMailbox } from "../src/transport/shared-mailbox.ts";
import type { PolicyArrival } from "./fleet-policies.ts";
import type { LearningThreadData } from "./learning-thread.ts";
import { residentMegabytes } from "./process-usage.ts";
import { median, repository, round } from "./results.ts";

const PROCESSES = 2;
const REST_MS = 500;
const shape = { observationSize: 17, actionSize: 6, unrollLength: 64 };

function setupOf(folder: string, parameterCount: number): GatewaySetup {
  mkdirSync(join(folder, "terms"), { recursive: true });
  return {
    folder,
    run: {
      ...{ runId: "weights", term: 1, envId: "HalfCheetah-v5", envOptionsJson: "{}" },
      shape: wireShape(shape),
      ...{ envsPerActor: 1, seed: 1, normalizesObservations: false, parameterCount },
      ...{ policyProgram: Buffer.alloc(0), stepTimeoutSeconds: 60, algorithm: "sac" },
      onPolicy: undefined,
    },
    totalSteps: 1e9,
    progress: { envSteps: 0, learnerSteps: 0, limiter: undefined },
    listen: [{ host: "127.0.0.1", port: 0, tls: undefined }],
    limits: { maxActors: 256, maxPayloadBytes: 8 << 20, windowSeconds: 0.25, heartbeatSeconds: 2 },
    delivery: { durability: "memory", cursors: [] },
    queue: SharedMailbox.allocate(shape, 16, 0),
    board: PolicyBoard.allocate(parameterCount, shape.observationSize),
    doorbell: new SharedArrayBuffer(4),
  };
}

/** Subscribers in processes of their own, and when each policy had arrived everywhere. */
class Subscribers implements Disposable {
  readonly #arrivals = new Map<number, number[]>();
  readonly #count: number;
  readonly #children;

  constructor(learner: string, count: number) {
    this.#count = count;
    const script = join(repository, "bench", "dist", "bench", "fleet-policies.js");
    const each = String(count / PROCESSES);
    this.#children = Array.from({ length: PROCESSES }, () => {
      const argv = [script, "--learner", learner, "--subscribers", each];
      const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
      createInterface({ input: child.stdout }).on("line", (line) => {
        const { publication, at } = JSON.parse(line) as PolicyArrival;
        this.#arrivals.set(publication, [...(this.#arrivals.get(publication) ?? []), at]);
      });
      return child;
    });
  }

  /** When the last subscriber had the policy, Unix ms. */
  async untilArrived(publication: number): Promise<number> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      const arrivals = this.#arrivals.get(publication) ?? [];
      if (arrivals.length === this.#count) return Math.max(...arrivals);
      if (performance.now() > deadline) throw new Error(`${arrivals.length} of ${this.#count}`);
      await sleep(5);
    }
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }
}

async function main(rounds: number, count: number, megabytes: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "troupe-weights-"));
  const parameterCount = Math.round((megabytes * 1e6) / 4);
  const setup = setupOf(folder, parameterCount);
  const module = join(repository, "dist", "transport", "gateway", "gateway-thread.js");
  const { GatewayThread } = (await import(
    module
  )) as typeof import("../src/transport/gateway/gateway-thread.ts");
  await using gateway = new GatewayThread(setup, () => undefined);
  const { ports } = await gateway.ready();
  const data: LearningThreadData = {
    board: setup.board,
    times: new SharedArrayBuffer(24),
    requests: new SharedArrayBuffer(8),
  };
  const learning = new Worker(new URL("./learning-thread.js", import.meta.url), {
    workerData: data,
  });
  const [times, requests] = [new Float64Array(data.times), new Int32Array(data.requests)];
  const publish = (): number => Atomics.add(requests, 0, 1) + 1;
  using subscribers = new Subscribers(`127.0.0.1:${ports[0]}`, count);
  const first = publish();
  await subscribers.untilArrived(first);
  const results: Record<"seconds" | "gap" | "publish" | "restingGap", number>[] = [];
  for (let i = 0; i < rounds; i++) {
    times[0] = 0;
    await sleep(REST_MS);
    const restingGap = times[0] ?? 0;
    times[0] = 0;
    const publication = publish();
    const arrivedAt = await subscribers.untilArrived(publication);
    const seconds = (arrivedAt - (times[1] ?? 0)) / 1000;
    results.push({ seconds, gap: times[0] ?? 0, publish: times[2] ?? 0, restingGap });
  }
  await learning.terminate();
  const of = (what: keyof (typeof results)[number]): number[] => results.map((one) => one[what]);
  const report = {
    benchmark: "load: weights",
    megabytes,
    subscribers: count,
    rounds,
    seconds_to_all: round(median(of("seconds")), 3),
    target_seconds: 1,
    longest_stall_ms: {
      median: round(median(of("gap"))),
      most: round(Math.max(...of("gap"))),
    },
    target_ms: 50,
    // The same with nothing under way.
    resting_stall_ms: {
      median: round(median(of("restingGap"))),
      most: round(Math.max(...of("restingGap"))),
    },
    publish_ms: round(median(of("publish")), 2),
    gateway_process_resident_megabytes: round(residentMegabytes(process.pid)),
    runs: { seconds: of("seconds").map((seconds) => round(seconds, 3)) },
  };
  console.log(JSON.stringify(report, null, 2));
  await gateway.close({ kind: "finished", message: "done", graceMs: 0 });
  rmSync(folder, { recursive: true, force: true });
}

const [rounds = 9, count = 64, megabytes = 10] = process.argv.slice(2).map(Number);
await main(rounds, count, megabytes);
