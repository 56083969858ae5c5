import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Of /proc/PID/stat. */
const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** CPU seconds so far of each thread of a process, by its number. */
export function threadSeconds(pid: number): ReadonlyMap<number, number> {
  const threads = new Map<number, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
      // The name may hold spaces; it ends with the last parenthesis. utime and stime are fields 14 and 15.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const ticks = Number(fields[11]) + Number(fields[12]);
      threads.set(Number(thread), ticks / TICKS_PER_SECOND);
    } catch {
      // The thread has ended.
    }
  }
  return threads;
}

/** CPU seconds spent since `before`, of all threads, and of each that matters, most first. */
export function secondsSince(pid: number, before: ReadonlyMap<number, number>) {
  const spent = [...threadSeconds(pid)]
    .map(([thread, seconds]) => seconds - (before.get(thread) ?? 0))
    .sort((a, b) => b - a);
  const total = spent.reduce((sum, seconds) => sum + seconds, 0);
  return { total, threads: spent.filter((seconds) => seconds > 0.01 * total) };
}

/** Resident megabytes of a process. */
export function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1e6;
}
