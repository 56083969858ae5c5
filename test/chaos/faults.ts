import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RandomStream } from "../../src/math/random.ts";
import type { ChaosCluster, ChaosHost } from "./cluster.ts";
import { damageUnrolls } from "./http2-tamper.ts";
import type { Direction } from "./proxy.ts";

/** What a fault has to work with. */
export interface FaultContext {
  readonly cluster: ChaosCluster;
  /** Whom it strikes, if it strikes a host. */
  readonly host: ChaosHost;
  readonly random: RandomStream;
  /** Present when the run folder lies in a file system of its own that may be filled up. */
  readonly disk: string | undefined;
  /** Present when the learner's clock is read from there (libfaketime). */
  readonly clock: string | undefined;
}

type Fault = (context: FaultContext) => Promise<void>;

/** Much longer than three heartbeats of the tests' learner, after which each side takes the other for gone. */
const LONG_MS = 2_500;
const SHORT_MS = 400;

/** Time between checkpoints of the tests' learner, and some more. */
const CHECKPOINT_MS = 2_500;

/** Mostly short, sometimes long. */
function duration({ random }: FaultContext): number {
  return random.uniform() < 0.3
    ? random.uniformBetween(SHORT_MS, LONG_MS)
    : random.uniformBetween(30, SHORT_MS);
}

/** One host or all of them. */
function struck({ cluster, host, random }: FaultContext): readonly ChaosHost[] {
  return random.uniform() < 0.3 ? cluster.hosts : [host];
}

async function killLearner({ cluster, random }: FaultContext): Promise<void> {
  cluster.learner.kill("SIGKILL");
  await sleep(random.uniformBetween(0, 500));
  await cluster.restartLearner();
}

async function killHost({ cluster, host, random }: FaultContext): Promise<void> {
  await host.process.end();
  await sleep(random.uniformBetween(0, 500));
  cluster.restartHost(host);
}

/** Two processes of one name: the older is fenced and ends. */
async function startZombie({ cluster, host, random }: FaultContext): Promise<void> {
  const before = host.process;
  if (random.uniform() < 0.5) before.kill("SIGSTOP");
  cluster.restartHost(host);
  await cluster.untilProgress(PROGRESS_MS);
  before.kill("SIGCONT");
  const { code } = await within(before.ended, PROGRESS_MS, "the end of a host that was replaced");
  if (code === 0 || code === null)
    throw new Error(`a replaced host ended with ${code}: ${before.tail}`);
}

async function freezeLearner(context: FaultContext): Promise<void> {
  const { learner } = context.cluster;
  learner.kill("SIGSTOP");
  await sleep(duration(context));
  learner.kill("SIGCONT");
}

async function freezeHost(context: FaultContext): Promise<void> {
  for (const { process } of struck(context)) process.kill("SIGSTOP");
  await sleep(duration(context));
  for (const { process } of context.cluster.hosts) process.kill("SIGCONT");
}

async function partition(context: FaultContext): Promise<void> {
  const hosts = struck(context);
  for (const { proxy } of hosts) proxy.partition();
  await sleep(duration(context));
  for (const { proxy } of hosts) proxy.heal();
}

function halfOpen(direction: Direction): Fault {
  return async (context) => {
    const hosts = struck(context);
    for (const { proxy } of hosts) proxy.set(direction, { halfOpen: true });
    await sleep(duration(context));
    for (const { proxy } of hosts) proxy.heal();
  };
}

async function stall(context: FaultContext): Promise<void> {
  const hosts = struck(context);
  for (const { proxy } of hosts) proxy.set("both", { stall: true });
  await sleep(duration(context));
  for (const { proxy } of hosts) proxy.heal();
}

async function cut({ host }: FaultContext): Promise<void> {
  host.proxy.cut();
}

async function refuseConnections(context: FaultContext): Promise<void> {
  const hosts = struck(context);
  for (const { proxy } of hosts) {
    proxy.door = "refusing";
    proxy.cut();
  }
  await sleep(duration(context));
  for (const { proxy } of hosts) proxy.heal();
}

/** Frames arrive, are accepted and made durable, and nobody hears of it before the connection breaks. */
async function loseAcknowledgements({ host, random }: FaultContext): Promise<void> {
  host.proxy.set("down", { stall: true });
  await sleep(random.uniformBetween(50, 300));
  host.proxy.cut();
  host.proxy.heal();
}

async function resetAfterBytes({ host, random }: FaultContext): Promise<void> {
  host.proxy.set("up", { resetAfterBytes: 500 + random.integer(20_000) });
  host.proxy.cut();
  await sleep(random.uniformBetween(300, 1_000));
  host.proxy.heal();
  host.proxy.cut();
}

async function corruptUnrolls({ host, random }: FaultContext): Promise<void> {
  host.proxy.tamper("up", damageUnrolls(random.uniformBetween(0.02, 0.5), random));
  // Connections to come are tampered with; so are those of this host that begin now.
  host.proxy.cut();
  await sleep(random.uniformBetween(500, 1_500));
  host.proxy.tamper("up", undefined);
  host.proxy.cut();
}

/** Some bytes change, whatever they mean. TLS notices; without it nobody could notice all of it. */
async function corruptBytes({ host, random }: FaultContext): Promise<void> {
  const probability = 10 ** random.uniformBetween(-4.5, -2.5);
  const direction = (["up", "down", "both"] as const)[random.integer(3)] ?? "both";
  host.proxy.set(direction, { corrupt: { probability, afterBytes: random.integer(5_000) } });
  await sleep(random.uniformBetween(500, 1_500));
  host.proxy.heal();
}

async function slowLink(context: FaultContext): Promise<void> {
  const { host, random } = context;
  host.proxy.set("both", { delayMs: random.uniformBetween(5, 60), jitterMs: 30 });
  host.proxy.set("up", { bytesPerSecond: random.uniformBetween(5e4, 5e5) });
  await sleep(duration(context));
  host.proxy.heal();
}

/** Leaves no byte on the learner's file system. */
async function fillDisk(context: FaultContext): Promise<void> {
  if (context.disk === undefined) throw new Error("no disk of its own");
  using _ballast = fillUp(context.disk);
  // A whole checkpoint falls into it: what is open already may have room for a while.
  await sleep(CHECKPOINT_MS + duration(context));
}

/** Takes all the room of a file system, and what others free, until it is disposed. */
export function fillUp(folder: string): Disposable {
  const ballast = join(folder, "ballast");
  const file = openSync(ballast, "w");
  const fill = (): void => {
    for (const bytes of [1 << 20, 1 << 12]) append(file, Buffer.alloc(bytes));
  };
  fill();
  const timer = setInterval(fill, 20);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      closeSync(file);
      rmSync(ballast, { force: true });
    },
  };
}

/** Until there is no room for another piece. */
function append(file: number, piece: Uint8Array): void {
  try {
    while (writeSync(file, piece) > 0);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOSPC")) throw thrown;
  }
}

/** Every wait for the disk takes a tenth of a second longer. */
async function slowDisk(context: FaultContext): Promise<void> {
  const { pid } = context.cluster.learner;
  const calls = "fdatasync,fsync";
  const strace = spawn(
    "strace",
    [...["-f", "-qq", "-o", "/dev/null", "-p", String(pid)], ...["-e", `trace=${calls}`]].concat([
      "-e",
      `inject=${calls}:delay_enter=100000`,
    ]),
    { stdio: "ignore" },
  );
  await sleep(300 + duration(context));
  await endTracer(strace);
}

async function endTracer(strace: ChildProcess): Promise<void> {
  if (strace.exitCode !== null || strace.signalCode !== null) return;
  const exited = once(strace, "exit");
  strace.kill("SIGINT");
  await exited;
}

/** The learner's wall clock jumps, by an hour at most, and back. */
async function jumpClock(context: FaultContext): Promise<void> {
  const { clock, random } = context;
  if (clock === undefined) throw new Error("no clock of its own");
  const seconds = Math.round(random.uniformBetween(-3_600, 3_600));
  writeFileSync(clock, `${seconds < 0 ? "" : "+"}${seconds}s\n`);
  // It is looked for once a second.
  await sleep(1_500 + duration(context));
  writeFileSync(clock, "+0s\n");
}

/** By name; the order is that of the schedule's deck before it is shuffled. */
export const FAULTS = {
  "kill learner": killLearner,
  "kill host": killHost,
  "replace host": startZombie,
  "freeze learner": freezeLearner,
  "freeze host": freezeHost,
  partition,
  "half-open up": halfOpen("up"),
  "half-open down": halfOpen("down"),
  stall,
  cut,
  "refuse connections": refuseConnections,
  "lose acknowledgements": loseAcknowledgements,
  "reset after bytes": resetAfterBytes,
  "corrupt unrolls": corruptUnrolls,
  "corrupt bytes": corruptBytes,
  "slow link": slowLink,
  "full disk": fillDisk,
  "slow disk": slowDisk,
  "jump clock": jumpClock,
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;

export interface ScheduledFault {
  readonly name: FaultName;
  /** Index of the host. */
  readonly host: number;
  /** Quiet before it. */
  readonly pauseMs: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly count: number;
  readonly names: readonly FaultName[];
  readonly hosts: number;
}

/** Kinds come in shuffled decks, so that each comes about as often as the others. */
export function schedule({
  seed,
  count,
  names,
  hosts,
}: ScheduleOptions): readonly ScheduledFault[] {
  const random = RandomStream.derive(seed, "schedule");
  let deck: FaultName[] = [];
  return Array.from({ length: count }, () => {
    if (deck.length === 0) deck = [...names];
    const [name] = deck.splice(random.integer(deck.length), 1);
    if (name === undefined) throw new RangeError("no faults to choose from");
    return { name, host: random.integer(hosts), pauseMs: random.uniformBetween(0, 300) };
  });
}

/** How long every host may take to get unrolls through again after a fault; processes may have to start. */
export const PROGRESS_MS = 60_000;

export async function within<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
  const late = sleep(limitMs, undefined, { ref: false }).then(() => {
    throw new Error(`not within ${limitMs} ms: ${what}`);
  });
  return await Promise.race([promise, late]);
}

/** Where libfaketime lies, or undefined. */
export function findFaketime(): string | undefined {
  return ["x86_64-linux-gnu", "aarch64-linux-gnu"]
    .map((triple) => `/usr/lib/${triple}/faketime/libfaketimeMT.so.1`)
    .find((path) => existsSync(path));
}

/**
 * Removes what libfaketime leaves in shared memory when its process is killed: another process that gets the
 * same number later would wait for it for ever.
 */
export function clearFaketime(): void {
  const folder = "/dev/shm";
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const pid = /faketime_(?:shm|sem)_(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(folder, name));
  }
}

/** Whether strace may attach to a process here. */
export function canTrace(): boolean {
  const probe = spawnSync("strace", ["-f", "-e", "trace=fsync", "-o", "/dev/null", "true"]);
  if (probe.status !== 0) return false;
  const scope = "/proc/sys/kernel/yama/ptrace_scope";
  return (
    process.getuid?.() === 0 || !existsSync(scope) || readFileSync(scope, "utf8").startsWith("0")
  );
}
