import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The part of V8's .cpuprofile that is used here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  /** Microseconds of the monotonic clock, which all processes share. */
  readonly startTime: number;
  readonly samples: readonly number[];
  /** Microseconds between samples. */
  readonly timeDeltas: readonly number[];
}

/** What a function's file says about the stage it belongs to; the first that fits. */
const STAGES: readonly (readonly [string, RegExp])[] = [
  ["gRPC", /@grpc\/grpc-js/],
  ["HTTP/2 and sockets", /node:(internal\/)?(http2|net|stream|streams|js_stream|tls)/],
  ["protobuf", /transport\/generated|@bufbuild/],
  ["checksum", /crc32/],
  ["payload: decode and check", /unroll-codec|msgpack-cursor|unroll-check|frame-inspector/],
  ["log", /replay\/log|node:(internal\/)?fs/],
  ["queue", /shared-mailbox/],
  ["ring", /replay\/(ring|row-table|replay|uniform-sampler|prioritized-sampler|sum-tree)/],
  ["sessions and intake", /transport\/gateway/],
  ["learner's loop", /learner\//],
];

/** A stretch of the monotonic clock, in microseconds. */
export interface ClockWindow {
  readonly from: number;
  readonly to: number;
}

export function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Functions in which a thread sleeps; V8 takes it for work. */
const WAITING = /^(wait|#?waitFor\w*)$/;

/** Milliseconds of CPU by stage, summed over the profiles (one for each thread) in a folder. */
export function stageMilliseconds(
  folder: string,
  window: ClockWindow,
): ReadonlyMap<string, number> {
  const stages = new Map<string, number>();
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".cpuprofile"))) {
    const profile = JSON.parse(readFileSync(join(folder, name), "utf8")) as CpuProfile;
    for (const [stage, microseconds] of selfTimes(profile, window)) {
      stages.set(stage, (stages.get(stage) ?? 0) + microseconds / 1000);
    }
  }
  return stages;
}

/** Native code counts for the nearest caller that belongs to a stage. */
function selfTimes(profile: CpuProfile, window: ClockWindow): ReadonlyMap<string, number> {
  const parents = new Map<number, number>();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  for (const { id, children = [] } of profile.nodes) {
    for (const child of children) parents.set(child, id);
  }
  const stageOf = (start: number): string => {
    for (let id: number | undefined = start; id !== undefined; id = parents.get(id)) {
      const frame = nodes.get(id)?.callFrame;
      if (frame?.functionName === "(idle)") return "idle";
      if (WAITING.test(frame?.functionName ?? "")) return "idle";
      if (frame?.functionName === "(garbage collector)") return "garbage collector";
      if (frame?.functionName.startsWith("crc32")) return "checksum";
      const found = STAGES.find(([, pattern]) => pattern.test(frame?.url ?? ""));
      if (found) return found[0];
    }
    return "other";
  };
  const known = new Map(profile.nodes.map(({ id }) => [id, stageOf(id)]));
  const times = new Map<string, number>();
  let now = profile.startTime;
  for (const [i, id] of profile.samples.entries()) {
    now += profile.timeDeltas[i] ?? 0;
    const stage = known.get(id) ?? "other";
    if (stage === "idle" || now < window.from || now > window.to) continue;
    times.set(stage, (times.get(stage) ?? 0) + (profile.timeDeltas[i + 1] ?? 0));
  }
  return times;
}
