import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, onTestFinished, type TestContext, test, vi } from "vitest";
import { stringify } from "yaml";
import { skipBecause } from "../../skip-because.ts";
import { SlurmCluster, whyNoSlurm } from "./slurm-cluster.ts";

const SUBMIT = resolve("deploy/slurm/submit.sh");
/** A real scheduler looks every two seconds, and a requeued job waits for five. */
const SOON = { timeout: 120_000, interval: 300 };

async function slurm(context: TestContext): Promise<SlurmCluster> {
  const reason = whyNoSlurm();
  if (reason) skipBecause(reason, context);
  const cluster = await SlurmCluster.up();
  context.onTestFinished(async ({ task }) => {
    if (task.result?.state === "fail") process.stderr.write(cluster.output(/./));
    await cluster[Symbol.asyncDispose]();
  }, 60_000);
  await cluster.makeCerts();
  return cluster;
}

/** A run so small that starting processes takes most of the time. */
function writeRun(cluster: SlurmCluster, totalSteps: number): void {
  const config = {
    env: { id: "PointMass-v0" },
    totalSteps,
    algorithm: { hidden: [16, 16], batchSize: 16, learningStarts: 100 },
    replay: { capacity: 20_000 },
    learner: { threads: 1 },
    evaluation: { interval: 0 },
  };
  writeFileSync(join(cluster.folder, "run.yaml"), stringify(config));
}

/** The number of environment steps once `enough` says so. */
async function untilStatus(
  cluster: SlurmCluster,
  enough: (status: { term: number; actors: number; envSteps: number }) => boolean,
): Promise<number> {
  return await vi.waitFor(async () => {
    const status = await cluster.status("slurm");
    if (status === undefined) throw new Error("the learner does not answer");
    const actors = status.actors.filter(({ connected }) => connected).length;
    const { term, envSteps } = status;
    if (!enough({ term, actors, envSteps }))
      throw new Error(`term ${term}, ${actors} actors, ${envSteps} steps`);
    return envSteps;
  }, SOON);
}

function processOf(cluster: SlurmCluster, hostId: string): number {
  const name = `--host-id\0${hostId}\0`;
  const pids = readFileSync(join(cluster.folder, "pids"), "utf8").trim().split("\n").map(Number);
  const pid = pids.find((candidate) => {
    try {
      const command = readFileSync(`/proc/${candidate}/cmdline`, "utf8");
      return command.includes(name) && command.startsWith("node\0");
    } catch {
      return false;
    }
  });
  if (pid === undefined) throw new Error(`no process of ${hostId}`);
  return pid;
}

// Three nodes, a learner, two actor hosts, and five restarts among them, each with the scheduler's own delays.
describe("under a real Slurm", { timeout: 500_000 }, () => {
  test("a learner and an array of actor hosts survive requeues, kills and the time limit", async (context) => {
    const cluster = await slurm(context);
    writeRun(cluster, 10_000_000);
    const jobs = await cluster.shell(
      SUBMIT,
      ...["--run", "slurm", "--actors", "2", "--actor-flags", "--workers 1"],
      ...["--", "-c", join(cluster.folder, "run.yaml")],
    );
    const [learner = "", actors = ""] = jobs.split("\n");

    // They join and steps grow.
    const first = await untilStatus(cluster, ({ actors: n, envSteps }) => n === 2 && envSteps > 0);
    const grown = await untilStatus(cluster, ({ envSteps }) => envSteps > first + 200);

    // Preempted: SIGTERM, a checkpoint, the queue, and on with all that was there.
    await cluster.shell("scontrol", "requeue", learner);
    const resumed = await untilStatus(cluster, ({ term, actors: n }) => term === 2 && n === 2);
    expect(resumed).toBeGreaterThanOrEqual(grown);

    // An actor host is killed: the element starts it again under the same name.
    await cluster.shell("sh", "-c", "pgrep -f -- '--host-id slurm-' > pids");
    process.kill(processOf(cluster, `slurm-${actors}-1`), "SIGKILL");
    // An element is requeued, as when its node is lost.
    await cluster.shell("scontrol", "requeue", `${actors}_0`);
    await vi.waitFor(async () => {
      const members = (await cluster.status("slurm"))?.actors ?? [];
      const now = members.map(({ host, incarnation, connected }) =>
        connected ? `${host} ${incarnation}` : "",
      );
      expect(now.sort()).toEqual([`slurm-${actors}-0 2`, `slurm-${actors}-1 2`]);
    }, SOON);
    expect(await cluster.jobField(`${actors}_1`, "Restarts")).toBe("0");
    expect(cluster.output(/actor/)).toMatch(/ended with exit code 137; starting it again/);

    // The time limit comes near: what --signal=B:USR1 does then. This time there is not much left to do, but
    // enough for everybody to come back before it is done.
    const before = await untilStatus(cluster, () => true);
    writeRun(cluster, before + 10_000);
    await cluster.shell("scancel", "--batch", "--signal=USR1", learner);
    await vi.waitFor(async () => {
      expect(await cluster.jobStates(learner)).toEqual([]);
      expect(await cluster.jobStates(actors)).toEqual([]);
    }, SOON);
    expect(cluster.output(/learner/)).toMatch(/the time limit is near; asking Slurm/);
    for (const job of [learner, `${actors}_0`, `${actors}_1`]) {
      expect(await cluster.jobField(job, "JobState"), job).toBe("COMPLETED");
      expect(await cluster.jobField(job, "ExitCode"), job).toBe("0:0");
    }
    const info = JSON.parse(readFileSync(join(cluster.folder, "runs/slurm/run.json"), "utf8"));
    expect(info).toMatchObject({ status: "done", term: 3 });
    expect(info.envSteps).toBeGreaterThanOrEqual(before + 10_000);
  });

  test("a gang starts together and ends together", async (context) => {
    const cluster = await slurm(context);
    // Long enough that it is not over before both actor hosts are there.
    writeRun(cluster, 6_000);
    const job = await cluster.shell(
      SUBMIT,
      ...["--run", "slurm", "--gang", "--actors", "2", "--actor-flags", "--workers 1"],
      ...["--", "-c", join(cluster.folder, "run.yaml")],
    );
    await vi.waitFor(async () => expect(await cluster.jobStates(job)).toEqual([]), SOON);
    expect(await cluster.jobField(job, "JobState")).toBe("COMPLETED");
    const info = JSON.parse(readFileSync(join(cluster.folder, "runs/slurm/run.json"), "utf8"));
    expect(info).toMatchObject({ status: "done", term: 1 });
  });
});

describe("submit.sh", () => {
  const submit = (argv: readonly string[]) => {
    const cwd = mkdtempSync(join(tmpdir(), "troupe-submit-"));
    onTestFinished(() => rmSync(cwd, { recursive: true }));
    const env = { PATH: process.env["PATH"], CLUSTER_TROUPE: process.execPath };
    return spawnSync(SUBMIT, argv, { cwd, env, encoding: "utf8" });
  };

  test.each([
    ["no name", ["--", "Hopper-v5"], "--run is missing"],
    ["no environment", ["--run", "a", "--insecure"], "the environment is missing"],
    ["no certificates", ["--run", "a", "--", "Hopper-v5"], "certs/learner.key is missing: troupe"],
    ["a wrong number", ["--run", "a", "--actors", "two", "--", "Hopper-v5"], "--actors two"],
    ["an unknown option", ["--nodes", "2"], "unknown option --nodes"],
  ])("says what is wrong with %s before anything is sent", (_, argv, message) => {
    const { status, stderr } = submit(argv);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });
});
