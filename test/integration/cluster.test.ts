import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { readJournal, TestCluster } from "./cluster-process.ts";
import { lastRecord, records } from "./train-process.ts";

// Several processes with their threads start in each test, on a machine that is busy with others.
const TIMEOUT = { timeout: 240_000 };

/** Environment steps that the run's log of metrics tells of. */
function envSteps(folder: string): number {
  return lastRecord(folder)?.["time/total_timesteps"] ?? 0;
}

describe("a learner and actors in other processes", () => {
  test("train together to the end, and all go home", TIMEOUT, async (context) => {
    const cluster = await TestCluster.open(context);
    // The actors may be first; and if they were not, the run might be over before both are there.
    const actors = [cluster.actor("a", "--workers", "1"), cluster.actor("b", "--workers", "2")];
    for (const actor of actors) await actor.untilLogged("nobody listens");
    const learner = cluster.learner({ totalSteps: 6_000 });
    const ended = await learner.ended();
    expect(ended.code, ended.stderr).toBe(0);
    for (const actor of actors) {
      const { code, stderr } = await actor.ended();
      expect(code, stderr).toBe(0);
    }
    expect(cluster.info()).toMatchObject({ status: "done", address: null });
    expect(cluster.info()["learnerSteps"]).toBeGreaterThan(5_800);
    expect(cluster.hasCheckpoint()).toBe(true);
    // The last record may be of a moment in which no unroll came.
    const logged = (key: string): number | undefined =>
      records(cluster.folder).findLast((record) => record[key] !== undefined)?.[key];
    expect(logged("rollout/ep_rew_mean")).toBeLessThan(0);
    // A quarter of a second may be under way, and so small a network makes 2,000 updates a second.
    expect(logged("policy/lag_mean")).toBeLessThan(1_000);
  });

  test(
    "go on by themselves when the learner was killed and comes back",
    TIMEOUT,
    async (context) => {
      const cluster = await TestCluster.open(context);
      const actor = cluster.actor("a", "--workers", "2");
      const first = cluster.learner({ totalSteps: 100_000, "checkpoint.intervalSteps": 500 });
      await first.until("a checkpoint and more", () => {
        return cluster.hasCheckpoint() && envSteps(cluster.folder) > 1_200;
      });
      first.kill("SIGKILL");
      expect((await first.ended()).signal).toBe("SIGKILL");
      const promised = readJournal(cluster.journal("a")).reduce((sum, { steps }) => sum + steps, 0);
      const second = cluster.learner({ totalSteps: 6_000, "checkpoint.intervalSteps": 500 });
      const ended = await second.ended();
      expect(ended.code, ended.stderr).toBe(0);
      const gone = await actor.ended();
      expect(gone.code, gone.stderr).toBe(0);
      // Nothing that was promised is lost: the second life goes on from all of it.
      expect(cluster.info()).toMatchObject({ status: "done", term: 2 });
      expect(promised).toBeGreaterThan(500);
      const durable = readJournal(cluster.journal("a"));
      const names = durable.map((line) => `${line.slot}.${line.incarnation}.${line.sequence}`);
      expect(new Set(names).size).toBe(names.length);
      expect(durable.reduce((sum, { steps }) => sum + steps, 0)).toBeGreaterThanOrEqual(promised);
      expect(new Set(durable.map(({ incarnation }) => incarnation))).toEqual(new Set([1]));
    },
  );

  test("wait for a learner that was stopped, with exit code 75", TIMEOUT, async (context) => {
    const cluster = await TestCluster.open(context);
    const actor = cluster.actor("a", "--workers", "1");
    const first = cluster.learner({ totalSteps: 100_000 });
    await first.until("some steps", () => envSteps(cluster.folder) > 500);
    first.kill("SIGTERM");
    const stopped = await first.ended();
    expect(stopped.code, stopped.stderr).toBe(75);
    expect(stopped.milliseconds).toBeLessThan(10_000);
    const second = cluster.learner({ totalSteps: 2_500 });
    expect((await second.ended()).code, second.stderr).toBe(0);
    expect((await actor.ended()).code, actor.stderr).toBe(0);
    expect(second.log.map(({ msg }) => msg)).toContainEqual(
      expect.stringMatching(/from step \d{3,} to 2500/),
    );
  });

  test("include threads of the learner's own process", TIMEOUT, async (context) => {
    const cluster = await TestCluster.open(context);
    const learner = cluster.learner({ totalSteps: 1_500 }, "--actors", "2");
    const ended = await learner.ended();
    expect(ended.code, ended.stderr).toBe(0);
    expect(cluster.info()).toMatchObject({ status: "done" });
  });

  test("work without a log, too", TIMEOUT, async (context) => {
    const cluster = await TestCluster.open(context);
    const actor = cluster.actor("a", "--workers", "1");
    const learner = cluster.learner({ totalSteps: 1_500, "cluster.durability": "memory" });
    expect((await learner.ended()).code, learner.stderr).toBe(0);
    expect((await actor.ended()).code, actor.stderr).toBe(0);
  });
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["--listen 0.0.0.0:0", /0\.0\.0\.0 is not loopback.*--certs.*--insecure/s],
  ["--listen nowhere", /cluster\.listen.*no HOST:PORT/s],
  ["--certs /nonexistent", /\/nonexistent\/ca\.crt/],
  ["--set deterministic=true", /deterministic is true/],
  ["--set cluster.maxActors=0", /cluster\.maxActors/],
];

describe("a cluster's learner refuses to start", () => {
  test.for(REFUSED)("with %s", TIMEOUT, async ([flags, message], context) => {
    const cluster = await TestCluster.open(context);
    const { code, stderr } = await cluster.learner({}, ...flags.split(" ")).ended();
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(message);
    expect(existsSync(cluster.folder)).toBe(false);
  });

  test("on a port that is in use", TIMEOUT, async (context) => {
    const cluster = await TestCluster.open(context);
    const server = createServer().listen(Number(cluster.address.split(":")[1]), "127.0.0.1");
    context.onTestFinished(() => void server.close());
    await once(server, "listening");
    const { code, stderr } = await cluster.learner({}).ended();
    expect(code, stderr).toBe(1);
    expect(stderr).toContain(cluster.address);
  });
});
