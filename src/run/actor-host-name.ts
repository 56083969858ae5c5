import { mkdirSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { RunError } from "../errors.ts";
import { systemCode } from "../storage/durable-files.ts";
import { RunLock } from "../storage/run-lock.ts";

/** A host's name, its own until disposed. */
export interface HostName extends Disposable {
  readonly name: string;
}

/** Hosts on one machine; beyond this the lock itself is what is wrong. */
const MOST_HOSTS = 1000;

/**
 * The name an actor host takes when it is given none: the same again after a crash, so that it takes over
 * its own slots, and never that of another one that runs.
 *
 * In a Slurm task it is `slurm-JOB[_ELEMENT]-RANK`, which a requeued task keeps, wherever it runs. Anywhere
 * else `MACHINE-N`, with the least N that no process on this machine holds.
 */
export function defaultHostName(
  environment: NodeJS.ProcessEnv = process.env,
  folder = lockFolder(),
): HostName {
  const task = slurmTask(environment);
  if (task !== undefined) return { name: task, [Symbol.dispose]() {} };
  const machine = hostname();
  try {
    for (let n = 0; n < MOST_HOSTS; n++) {
      const lock = tryLock(join(folder, `${machine}-${n}`));
      if (lock) return { name: `${machine}-${n}`, [Symbol.dispose]: () => lock[Symbol.dispose]() };
    }
  } catch (thrown) {
    // Without a place for locks, as in a container whose files are read-only, there is hardly a second host
    // either; should there be one, it has another process number.
    if (systemCode(thrown) === undefined) throw thrown;
  }
  return { name: `${machine}-pid${process.pid}`, [Symbol.dispose]() {} };
}

/** Steps and batch scripts have a rank; a shell of `salloc`, from which one may start many hosts, has none. */
function slurmTask(environment: NodeJS.ProcessEnv): string | undefined {
  const job = environment["SLURM_ARRAY_JOB_ID"] ?? environment["SLURM_JOB_ID"];
  const element = environment["SLURM_ARRAY_TASK_ID"];
  const rank = environment["SLURM_PROCID"];
  if (job === undefined || rank === undefined) return undefined;
  return `slurm-${job}${element === undefined ? "" : `_${element}`}-${rank}`;
}

function lockFolder(): string {
  return join(tmpdir(), `troupe-hosts-${process.getuid?.() ?? "all"}`);
}

function tryLock(folder: string): RunLock | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    return RunLock.acquire(folder);
  } catch (thrown) {
    if (thrown instanceof RunError && thrown.code === "RUN_LOCKED") return undefined;
    throw thrown;
  }
}
