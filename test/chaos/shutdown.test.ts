import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../free-port.ts";
import { writeFaultyTask } from "../integration/faulty-task.ts";
import { skipBecause } from "../skip-because.ts";
import { SMALL_SETTINGS } from "./campaign.ts";
import { ChaosCluster, type ClusterOptions } from "./cluster.ts";
import { SmallDisk, whyNoSmallDisk } from "./disk.ts";
import { fillUp } from "./faults.ts";
import type { TroupeProcess } from "./troupe-process.ts";

// Processes with several threads each start in every test, on a machine that is busy with others.
const TIMEOUT = { timeout: 90_000 };
const LIMIT_MS = 10_000;
const HANG = "if (total === 100 && once('hang')) for (;;);";

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "troupe-shutdown-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A cluster of one host and one actor, of which everything works. */
async function working(more: Partial<ClusterOptions> = {}): Promise<ChaosCluster> {
  const cluster = await starting(more);
  await cluster.untilProgress(60_000);
  return cluster;
}

async function starting(more: Partial<ClusterOptions>): Promise<ChaosCluster> {
  const folder = more.folder ?? scratch();
  const cluster = await ChaosCluster.start({
    ...{ folder, seed: 1, env: "PointMass-v0", hosts: 1, workers: 1 },
    ...more,
    settings: { ...SMALL_SETTINGS, ...more.settings },
  });
  onTestFinished(() => cluster[Symbol.asyncDispose]());
  return cluster;
}

/** SIGTERM ends it in time; 75 means that it would go on if started again. */
async function expectPrompt(
  process: TroupeProcess,
  codes: readonly number[] = [75],
): Promise<void> {
  const { code, milliseconds } = await process.stop();
  expect(codes, process.tail).toContain(code);
  expect(milliseconds, process.tail).toBeLessThan(LIMIT_MS);
}

describe("SIGTERM ends within 10 s", () => {
  test("a host without a learner, and a learner without hosts", TIMEOUT, async () => {
    const cluster = await starting({ hosts: 2 });
    const [first, second] = cluster.hosts;
    if (!(first && second)) throw new Error("two hosts were asked for");
    first.proxy.target = { host: "127.0.0.1", port: await freePort() };
    first.proxy.cut();
    await cluster.until("the learner", 60_000, () => second.process.tail.includes("connected to"));
    await expectPrompt(first.process);
    await expectPrompt(second.process);
    await expectPrompt(cluster.learner);
  });

  test("a host and a learner that are connected", TIMEOUT, async () => {
    const cluster = await working();
    await Promise.all(
      [cluster.hosts[0]!.process, cluster.learner].map((each) => expectPrompt(each)),
    );
  });

  test("both sides of a partition", TIMEOUT, async () => {
    const cluster = await working();
    cluster.hosts[0]!.proxy.partition();
    await Promise.all(
      [cluster.hosts[0]!.process, cluster.learner].map((each) => expectPrompt(each)),
    );
  });

  test("a learner whose host is frozen", TIMEOUT, async () => {
    const cluster = await working();
    cluster.hosts[0]!.process.kill("SIGSTOP");
    await expectPrompt(cluster.learner);
  });

  test("a host whose learner is frozen", TIMEOUT, async () => {
    const cluster = await working();
    cluster.learner.kill("SIGSTOP");
    await expectPrompt(cluster.hosts[0]!.process);
  });

  test("a host whose environment hangs, and its learner", TIMEOUT, async () => {
    const folder = scratch();
    const env = writeFaultyTask(folder, "Task", { step: HANG });
    const cluster = await starting({ folder, env });
    await cluster.until("the hang", 60_000, () => existsSync(`${env}.hang`));
    await Promise.all(
      [cluster.hosts[0]!.process, cluster.learner].map((each) => expectPrompt(each)),
    );
  });

  test("a learner of which an actor of its own hangs", TIMEOUT, async () => {
    const folder = scratch();
    const env = writeFaultyTask(folder, "Task", { step: HANG });
    const settings = { "cluster.localActors": 1 };
    const cluster = await starting({ folder, env, settings, hosts: 0 });
    await cluster.until("the hang", 60_000, () => existsSync(`${env}.hang`));
    await expectPrompt(cluster.learner);
  });

  test("a host and a learner without room on the disk", TIMEOUT, async (context) => {
    const reason = whyNoSmallDisk();
    if (reason) skipBecause(reason, context);
    const folder = scratch();
    const disk = new SmallDisk(join(folder, "runs"), 16);
    onTestFinished(() => disk[Symbol.dispose]());
    const cluster = await working({ folder });
    using _ballast = fillUp(disk.folder);
    // Without room the learner cannot say that it stopped in good order.
    const both = [expectPrompt(cluster.learner, [75, 1]), expectPrompt(cluster.hosts[0]!.process)];
    await Promise.all(both);
  });
});
