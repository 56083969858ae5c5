/**
 * Question: how many frames a second does the log take, and where does a frame's time go?
 *
 * Unrolls of 64 HalfCheetah steps (6.8 kB) go in as fast as the disk takes them, at most 256 waiting, then at
 * a rate of 6,250 a second (400,000 transitions). CPU is of the whole process, the pool's threads included;
 * shares are of the thread that appends.
 *
 *     npx tsc -p bench && node bench/dist/bench/frame-log.js [FOLDER]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { openFrameLog } from "../src/replay/log/frame-log.ts";
import { encodeUnroll } from "../src/replay/unroll-codec.ts";
import { round } from "./results.ts";

const SHAPE = { observationSize: 17, actionSize: 6, unrollLength: 64 };
const FRAMES = 50_000;
const MOST_WAITING = 256;
const RATE = 6_250;

/** Stages by the function on top of the stack; that of the checksum is native and has no name. */
const STAGES: readonly (readonly [string, RegExp])[] = [
  ["crc32c", /^(native|crc32c)$/],
  ["sha256", /^update$/],
  ["write", /^(writeBuffers|fdatasync|writev|datasync|handleErrorFromBinding)/],
  ["copy", /^(set|addRecord|add|encodeRecord|writeUInt32LE|writeDouble.*|copy)$/],
  ["idle", /^\(idle\)$/],
];

const payload = encodeUnroll(
  {
    actor: 0,
    env: 0,
    length: 64,
    observations: new Float32Array(17 * 65).fill(0.5),
    actions: new Float32Array(6 * 64).fill(0.5),
    rewards: new Float32Array(64),
    terminated: new Uint8Array(64),
    truncated: new Uint8Array(64),
    policyVersions: new Int32Array(64),
  },
  SHAPE,
);

async function measure(frames: number, ratePerSecond: number) {
  const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), "troupe-bench-log-"));
  let syncs = 0;
  const { log } = await openFrameLog({
    folder,
    quotaBytes: Infinity,
    checkTerm: () => undefined,
    onDurable: () => {
      syncs += 1;
    },
    onTrouble: (message) => {
      if (message !== null) throw new Error(message);
    },
  });
  const profiled = await profile(async () => {
    const start = performance.now();
    for (let i = 0; i < frames; ) {
      const due = Math.min(frames, ((performance.now() - start) * ratePerSecond) / 1000);
      while (i < due && log.status.pendingRecords < MOST_WAITING) {
        log.append({ kind: "unroll", slot: 0, incarnation: 1, sequence: i, payload });
        i += 1;
      }
      await (ratePerSecond < Infinity ? setTimeout(1) : setImmediate());
    }
    await log.rotate();
  });
  await log[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  const perFrame = (milliseconds: number): number => round((1000 * milliseconds) / frames, 2);
  return {
    frames_per_second: Math.round((1000 * frames) / profiled.milliseconds),
    cpu_microseconds_per_frame: perFrame(profiled.cpuMilliseconds),
    syncs_per_second: Math.round((1000 * syncs) / profiled.milliseconds),
    thread_microseconds_per_frame: Object.fromEntries(
      [...profiled.stages].map(([stage, milliseconds]) => [stage, perFrame(milliseconds)]),
    ),
  };
}

async function profile(work: () => Promise<void>) {
  using session = disposableSession();
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  const milliseconds = performance.now() - start;
  const { profile: samples } = await session.post("Profiler.stop");
  const nodes = new Map(samples.nodes.map((node) => [node.id, node]));
  const stages = new Map<string, number>();
  for (const [i, id] of (samples.samples ?? []).entries()) {
    const { functionName = "", url = "" } = nodes.get(id)?.callFrame ?? {};
    const name = functionName === "" && url === "" ? "native" : functionName;
    const stage = STAGES.find(([, pattern]) => pattern.test(name))?.[0] ?? "rest";
    stages.set(stage, (stages.get(stage) ?? 0) + (samples.timeDeltas?.[i] ?? 0) / 1000);
  }
  stages.delete("idle");
  return { milliseconds, cpuMilliseconds: (user + system) / 1000, stages };
}

function disposableSession(): Session & Disposable {
  const session = new Session();
  session.connect();
  return Object.assign(session, { [Symbol.dispose]: () => session.disconnect() });
}

const report = {
  question: "How many frames a second does the log take, and where does a frame's time go?",
  payload_bytes: payload.length,
  saturated: await measure(FRAMES, Infinity),
  at_6250_per_second: await measure(RATE * 5, RATE),
};
console.log(JSON.stringify(report, null, 2));
