import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { deriveSettings } from "../../src/config/derive.ts";
import { cpuQuotas, memoryLimits, readMachine } from "../../src/config/machine.ts";
import { parseConfig } from "../../src/config/parse.ts";

/** A tree with the given files, to stand for "/". */
function system(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "machine-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe("readMachine", () => {
  test("takes the tightest limit of the version 2 groups around the process", () => {
    const root = system({
      "proc/self/cgroup": "0::/pods/mine\n",
      "sys/fs/cgroup/cpu.max": "max 100000\n",
      "sys/fs/cgroup/pods/cpu.max": "150000 100000\n",
      "sys/fs/cgroup/pods/mine/cpu.max": "400000 100000\n",
      "sys/fs/cgroup/pods/memory.max": "max\n",
      "sys/fs/cgroup/pods/mine/memory.max": "1048576\n",
    });
    expect(Math.min(...cpuQuotas(root))).toBe(1.5);
    expect(readMachine(root).memoryBytes).toBe(1_048_576);
    expect(readMachine(root).cpus).toBe(Math.min(2, availableParallelism()));
  });

  test("sees the limits at the mount point when the container hides the path", () => {
    const root = system({
      "proc/self/cgroup": "0::/docker/0123\n",
      "sys/fs/cgroup/cpu.max": "50000 100000\n",
    });
    expect(readMachine(root).cpus).toBe(1);
  });

  test("reads version 1 controllers", () => {
    const root = system({
      "proc/self/cgroup": "5:memory:/job\n4:cpu,cpuacct:/job\n",
      "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "75000\n",
      "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "50000\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
      "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "2097152\n",
    });
    expect(Math.min(...cpuQuotas(root))).toBe(1.5);
    expect(Math.min(...memoryLimits(root))).toBe(2_097_152);
  });

  test("is the whole machine where there are no groups", () => {
    expect(readMachine(system({}))).toEqual({
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
    });
  });
});

describe("deriveSettings", () => {
  const memoryBytes = 2 ** 33;

  test.each([
    [1, 1],
    [2, 1],
    [4, 3],
    [64, 4],
  ])("gives %i CPUs %i actors", (cpus, actors) => {
    expect(deriveSettings(parseConfig({}), { cpus, memoryBytes }).actors).toBe(actors);
  });

  test("gives a deterministic run one actor, whatever the machine", () => {
    const config = parseConfig({ deterministic: true });
    expect(deriveSettings(config, { cpus: 64, memoryBytes }).actors).toBe(1);
  });

  test("counts a cluster's actors where they are: in the learner's process or anywhere", () => {
    const machine = { cpus: 8, memoryBytes };
    const alone = deriveSettings(parseConfig({}), machine, "cluster");
    expect(alone).toMatchObject({ actors: 0, actorsExpected: 0, learnerThreads: 4 });
    const config = parseConfig({ cluster: { localActors: 2, actorsExpected: 16 } });
    const settings = deriveSettings(config, machine, "cluster");
    expect(settings).toMatchObject({ actors: 2, actorsExpected: 16 });
    // One unroll of each may be ahead.
    expect(settings.errorBuffer).toBe(256 + 16 * 8 * 256);
  });

  test("logs the unrolls of a cluster unless it is told not to, and never those of one process", () => {
    const machine = { cpus: 8, memoryBytes };
    const config = (durability: "auto" | "memory" | "log") =>
      parseConfig({ cluster: { durability } });
    expect(deriveSettings(config("auto"), machine, "cluster").durability).toBe("log");
    expect(deriveSettings(config("memory"), machine, "cluster").durability).toBe("memory");
    expect(deriveSettings(config("log"), machine).durability).toBe("memory");
  });

  test("updates once per environment step and leaves the limiter room", () => {
    const settings = deriveSettings(parseConfig({}), { cpus: 4, memoryBytes });
    expect(settings.samplesPerInsert).toBe(256);
    expect(2 * settings.errorBuffer).toBeGreaterThanOrEqual(256 + 8 * 256);
    expect(
      deriveSettings(parseConfig({ replay: { sampling: "lap" } }), { cpus: 4, memoryBytes })
        .priorityExponent,
    ).toBe(0.4);
  });
});
