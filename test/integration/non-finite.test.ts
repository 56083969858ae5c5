import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { decodeSafetensors } from "../../src/learner/checkpoint/safetensors.ts";
import { writeFaultyTask } from "./faulty-task.ts";
import { lastRecord, SMALL, scratchFolder, settings, startTrain } from "./train-process.ts";

const MAX_IN_A_ROW = 3;
const MAX_ROLLBACKS = 1;

// One process, some hundred updates.
test("updates that overflow are kept out, saved, counted, rolled back and in the end given up", {
  timeout: 180_000,
}, async (context) => {
  const runDir = scratchFolder(context);
  // Finite as a float32, but not its square.
  const task = writeFaultyTask(runDir, "Jackpot", { step: "if (total > 600) reward = 1e30" });
  const run = startTrain(context, runDir, {
    argv: [
      task,
      ...["--name", "run", "-n", "100000"],
      ...SMALL,
      ...settings({
        "learner.maxNonFinite": MAX_IN_A_ROW,
        "learner.maxRollbacks": MAX_ROLLBACKS,
        "checkpoint.intervalSteps": 200,
      }),
    ],
  });
  const ended = await run.ended();
  const folder = join(runDir, "run");
  expect(ended.code, ended.stderr).toBe(1);
  expect(ended.stderr).toMatch(
    /^error: update \d+: 3 updates in a row were not finite after 1 rollbacks/m,
  );
  expect(ended.stderr).not.toMatch(/^\s+at /m);

  const warnings = run.log.flatMap(({ level, msg }) => (level === 40 ? [msg] : []));
  const notFinite = warnings.filter((message) => message.includes("is not finite"));
  expect(notFinite.length).toBeGreaterThanOrEqual(MAX_IN_A_ROW * (MAX_ROLLBACKS + 1));
  const rolledBack = warnings.filter((message) => message.includes("rolled back"));
  expect(rolledBack).toHaveLength(MAX_ROLLBACKS);
  expect(lastRecord(folder)?.["train/nonfinite"]).toBe(notFinite.length);
  const info = JSON.parse(readFileSync(join(folder, "run.json"), "utf8")) as object;
  expect(info).toMatchObject({ status: "failed", error: expect.stringContaining("not finite") });

  const [saved = ""] = readdirSync(join(folder, "nonfinite"));
  const batch = decodeSafetensors(readFileSync(join(folder, "nonfinite", saved)));
  expect(batch["returns"]?.data).toContain(Math.fround(1e30));

  // No checkpoint was written of what came after.
  const last = readFileSync(join(folder, "checkpoints", "last"), "utf8").trim();
  const state = readFileSync(join(folder, "checkpoints", last, "learner.safetensors"));
  for (const [name, { data }] of Object.entries(decodeSafetensors(state))) {
    expect(Array.from(data, Number).every(Number.isFinite), name).toBe(true);
  }
});
