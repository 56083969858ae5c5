import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RandomStream } from "../../src/math/random.ts";
import type { ReplayOptions } from "../../src/replay/replay.ts";
import { type AuditResult, audit } from "./audit.ts";
import { ChaosCluster } from "./cluster.ts";
import { SmallDisk, whyNoSmallDisk } from "./disk.ts";
import {
  canTrace,
  clearFaketime,
  FAULTS,
  type FaultName,
  findFaketime,
  PROGRESS_MS,
  type ScheduledFault,
  schedule,
} from "./faults.ts";

export interface CampaignOptions {
  /** For everything; made anew. */
  readonly folder: string;
  /** Of all chance; an odd one goes in plaintext, an even one over TLS with certificates on both sides. */
  readonly seed: number;
  readonly faults: number;
  /** All that this machine can do, by default. */
  readonly names?: readonly FaultName[];
}

export interface InjectedFault extends ScheduledFault {
  /** From the end of the fault until every host got unrolls through again. */
  readonly recoveredMs: number;
}

export interface CampaignResult extends AuditResult {
  readonly seed: number;
  readonly seconds: number;
  readonly isTls: boolean;
  readonly injected: readonly InjectedFault[];
  readonly learnerStarts: number;
  /** How the learner ended by itself: without room on the disk it does. */
  readonly failures: readonly string[];
  /** Of the hosts and, last, the learner. */
  readonly shutdownMs: readonly number[];
}

/** PointMass-v0 and networks so small that processes, disk and network take most of the time. */
export const REPLAY: ReplayOptions = {
  capacity: 20_000,
  observationSize: 2,
  actionSize: 2,
  unrollLength: 8,
  sampling: { kind: "uniform" },
  batchSize: 16,
  nSteps: 1,
  gamma: 0.99,
};
export const SMALL_SETTINGS = {
  totalSteps: 1e9,
  "algorithm.hidden": "[16,16]",
  "algorithm.batchSize": REPLAY.batchSize,
  "algorithm.learningStarts": 200,
  "algorithm.learningRates.actor": 0.003,
  "algorithm.learningRates.critic": 0.003,
  "algorithm.learningRates.temperature": 0.003,
  "replay.capacity": REPLAY.capacity,
  "learner.threads": 1,
  "evaluation.interval": 2_000,
  "evaluation.episodes": 5,
  "checkpoint.intervalSeconds": 2,
  "metrics.logIntervalSeconds": 0.5,
  "cluster.heartbeatSeconds": 0.4,
} as const;
/** Longer than the learner takes to write its logs once and to give up when it cannot. */
const AFTERMATH_MS = 1_500;
const HOSTS = 2;
const WORKERS = 2;
/** Several times what a campaign writes. */
const DISK_MEGABYTES = 64;

/** Faults that go with one of the two only. */
const TLS_ONLY: FaultName = "corrupt bytes";
const PLAINTEXT_ONLY: FaultName = "corrupt unrolls";

/** Faults that this machine cannot inject, with the reason. */
export function missingFaults(): ReadonlyMap<FaultName, string> {
  const missing = new Map<FaultName, string>();
  const noDisk = whyNoSmallDisk();
  if (noDisk) missing.set("full disk", noDisk);
  if (!canTrace()) missing.set("slow disk", "strace cannot attach to a process");
  if (!findFaketime()) missing.set("jump clock", "libfaketime is not installed");
  return missing;
}

/**
 * Runs a cluster, injects seeded faults one after another, waits after each until every host gets unrolls
 * through again, stops everything in good order, and compares what is left.
 *
 * @throws Error when the cluster does not recover from a fault or does not stop.
 */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { folder, seed } = options;
  const start = performance.now();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  using disk = whyNoSmallDisk() ? undefined : new SmallDisk(join(folder, "runs"), DISK_MEGABYTES);
  clearFaketime();
  const clock = fakeClock(folder);
  const isTls = seed % 2 === 0;
  await using cluster = await ChaosCluster.start({
    folder,
    seed,
    env: "PointMass-v0",
    hosts: HOSTS,
    workers: WORKERS,
    settings: SMALL_SETTINGS,
    certs: isTls ? issueCertificates(join(folder, "certs")) : undefined,
    environment: clock?.environment ?? {},
  });
  await cluster.untilProgress(60_000);
  const missing = missingFaults();
  const all = (Object.keys(FAULTS) as FaultName[]).filter(
    (name) => !missing.has(name) && name !== (isTls ? PLAINTEXT_ONLY : TLS_ONLY),
  );
  const injected: InjectedFault[] = [];
  const names = options.names ?? all;
  for (const fault of schedule({ seed, count: options.faults, names, hosts: HOSTS })) {
    await sleep(fault.pauseMs);
    const context = {
      cluster,
      host: cluster.hosts[fault.host] ?? never(),
      random: RandomStream.derive(seed, "fault", injected.length),
      disk: disk?.folder,
      clock: clock?.file,
    };
    const recoveredMs = await inject(fault, context).catch((thrown: unknown) => {
      const before = injected.map(({ name }) => name).join(", ");
      keepRun(folder);
      throw new Error(`seed ${seed}, fault ${injected.length}, ${fault.name}, after: ${before}`, {
        cause: thrown,
      });
    });
    injected.push({ ...fault, recoveredMs });
    clearFaketime();
  }
  // A learner that has just met a full disk may be about to end, and is not to do so while it is stopped.
  await sleep(AFTERMATH_MS);
  await cluster.untilProgress(PROGRESS_MS);
  const shutdownMs = (await cluster.stop()).map(Math.round);
  clearFaketime();
  const journals = cluster.hosts.map(({ journal }) => journal);
  const result = audit({ run: cluster.run, journals, replay: REPLAY });
  if (result.problems.length > 0) keepRun(folder);
  return {
    ...{ seed, isTls, seconds: Math.round((performance.now() - start) / 1000), injected },
    ...{ learnerStarts: cluster.learnerStarts, failures: cluster.failures, shutdownMs },
    ...result,
  };
}

/** For whoever looks into what went wrong: the disk goes with its memory. */
function keepRun(folder: string): void {
  cpSync(join(folder, "runs"), join(folder, "kept"), { recursive: true });
}

async function inject(
  fault: ScheduledFault,
  context: Parameters<(typeof FAULTS)[FaultName]>[0],
): Promise<number> {
  await FAULTS[fault.name](context);
  const healed = performance.now();
  await context.cluster.untilProgress(PROGRESS_MS);
  return Math.round(performance.now() - healed);
}

/** An authority and certificates of learner and actors. @returns The folder. */
function issueCertificates(folder: string): string {
  for (const argv of [["init"], ["issue", "learner", "--host", "127.0.0.1"], ["issue", "actor"]]) {
    execFileSync(process.execPath, ["dist/cli.js", "certs", ...argv, "--dir", folder]);
  }
  return folder;
}

/** A wall clock that a file moves, for the learner. Timers and intervals are as always. */
function fakeClock(folder: string) {
  const library = findFaketime();
  if (!library) return undefined;
  const file = join(folder, "clock");
  writeFileSync(file, "+0s\n");
  return {
    file,
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      // The times of files stay those of the file system.
      NO_FAKE_STAT: "1",
    },
  };
}

function never(): never {
  throw new RangeError("no such host");
}
