import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";

/** What this process may use, container limits included. */
export interface Machine {
  /** Whole CPUs, at least 1. */
  readonly cpus: number;
  readonly memoryBytes: number;
}

/**
 * Reads the machine and its control groups.
 *
 * Node does not: before libuv 1.49 `availableParallelism` ignores CPU quotas (libuv issue 4740), and
 * later ones ignore quotas under one CPU (nodejs/node issue 59200).
 *
 * @param root Where `/proc` and `/sys` are; not "/" in tests.
 */
export function readMachine(root = "/"): Machine {
  const quota = Math.min(...cpuQuotas(root));
  return {
    cpus: Math.max(1, Math.min(availableParallelism(), Math.ceil(quota))),
    memoryBytes: Math.min(totalmem(), ...memoryLimits(root)),
  };
}

/** CPUs that each enclosing control group allows, Infinity for no limit. */
export function cpuQuotas(root: string): readonly number[] {
  const unified = folders(root, "", "").map((folder) => {
    const [quota, period] = (read(join(folder, "cpu.max")) ?? "max").split(" ");
    return quota === "max" ? Infinity : Number(quota) / Number(period);
  });
  const legacy = ["cpu", "cpu,cpuacct"].flatMap((mount) =>
    folders(root, "cpu", mount).map((folder) => {
      const quota = Number(read(join(folder, "cpu.cfs_quota_us")) ?? -1);
      const period = Number(read(join(folder, "cpu.cfs_period_us")) ?? 100_000);
      return quota > 0 ? quota / period : Infinity;
    }),
  );
  return [...unified, ...legacy, Infinity];
}

/** Bytes that each enclosing control group allows, Infinity for no limit. */
export function memoryLimits(root: string): readonly number[] {
  const limit = (text: string | undefined): number =>
    text === undefined || text === "max" ? Infinity : Number(text);
  const unified = folders(root, "", "").map((folder) => limit(read(join(folder, "memory.max"))));
  const legacy = folders(root, "memory", "memory").map((folder) =>
    limit(read(join(folder, "memory.limit_in_bytes"))),
  );
  return [...unified, ...legacy, Infinity];
}

/**
 * The folders of this process's control group and all that enclose it. A limit may sit on any of them, and
 * in a container only the outermost may be visible.
 *
 * @param controller Empty for version 2 (`0::/path`), else a version 1 controller (`4:cpu,cpuacct:/path`).
 */
function folders(root: string, controller: string, mount: string): readonly string[] {
  const lines = (read(join(root, "proc/self/cgroup")) ?? "")
    .split("\n")
    .map((line) => line.split(":"));
  const mine = lines.find(([, controllers = ""]) => controllers.split(",").includes(controller));
  const path = mine?.slice(2).join(":").split("/").filter(Boolean) ?? [];
  const base = join(root, "sys/fs/cgroup", mount);
  return Array.from({ length: path.length + 1 }, (_, depth) => join(base, ...path.slice(0, depth)));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Not there: this kernel, or this version of control groups, has no such limit.
    return undefined;
  }
}
