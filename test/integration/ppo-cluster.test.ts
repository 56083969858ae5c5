import { describe, expect, test } from "vitest";
import { TestCluster } from "./cluster-process.ts";
import { lastRecord, records } from "./train-process.ts";

const PPO = {
  "algorithm.name": "ppo",
  "actors.unrollLength": 64,
  "ppo.epochs": 2,
  "cluster.actorsExpected": 2,
  "ppo.turnTimeoutSeconds": 30,
  "checkpoint.intervalSteps": 500,
};

describe("PPO with actors in other processes", () => {
  // Several processes with their threads, on a machine that may be busy with others.
  test.for(["synchronous", "overlapped"])(
    "that is %s goes on when its learner was killed, and learns from data of one age",
    { timeout: 240_000 },
    async (mode, context) => {
      const cluster = await TestCluster.open(context);
      const actor = cluster.actor("a", "--workers", "2");
      const first = cluster.learner({ ...PPO, "ppo.mode": mode, totalSteps: 1e6 });
      await first.until("a checkpoint and more", () => {
        return cluster.hasCheckpoint() && (lastRecord(cluster.folder)?.["step"] ?? 0) > 1_000;
      });
      first.kill("SIGKILL");
      expect((await first.ended()).signal).toBe("SIGKILL");
      const second = cluster.learner({ ...PPO, "ppo.mode": mode, totalSteps: 6_000 });
      const ended = await second.ended();
      expect(ended.code, ended.stderr).toBe(0);
      const { code, stderr } = await actor.ended();
      expect(code, stderr).toBe(0);
      expect(lastRecord(cluster.folder)?.["step"]).toBeGreaterThanOrEqual(6_000);
      const ages = records(cluster.folder).map((record) => record["policy/lag_max"] ?? 0);
      expect(Math.max(...ages)).toBe(mode === "overlapped" ? 1 : 0);
    },
  );
});
