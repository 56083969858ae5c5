/**
 * Takes checkpoints until it is done or killed: `node write-loop.mjs RUN_FOLDER COUNT`.
 *
 * Appends the step of each completed one to RUN_FOLDER/completed, and `full` each time the disk was
 * full, after which it goes on from where the run stands. Every checkpoint has a segment of its own
 * and one in common with the checkpoint before.
 */
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CheckpointStore } from "../../../dist/learner/checkpoint/checkpoint-store.js";

const [runFolder, count] = process.argv.slice(2);
const journal = join(runFolder, "completed");

function segment(step) {
  const path = `replay/${step}.seg`;
  const content = Buffer.from(`segment of ${step}`);
  rmSync(join(runFolder, path), { force: true });
  writeFileSync(join(runFolder, path), content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { path, sizeBytes: content.length, sha256 };
}

function takeCheckpoints() {
  const store = new CheckpointStore({ runFolder, keep: 1 });
  mkdirSync(join(runFolder, "replay"), { recursive: true });
  const restored = store.restore();
  store.removeUnlistedReplay(new Set());
  let previous = restored?.replay.at(-1) ?? segment(0);
  for (let step = (restored?.learnerStep ?? 0) + 1; step <= Number(count); step++) {
    const own = segment(step);
    store.write({
      learnerStep: step,
      envSteps: 2 * step,
      tensors: { weights: { shape: [3], data: Float32Array.of(step, 2, 3) } },
      json: { rng: { state: [step] } },
      replay: [previous, own],
    });
    previous = own;
    appendFileSync(journal, `${step}\n`);
  }
}

for (;;) {
  try {
    takeCheckpoints();
    break;
  } catch (error) {
    if (error.code !== "DISK_FULL") throw error;
    const names = readdirSync(runFolder).includes("checkpoints")
      ? readdirSync(join(runFolder, "checkpoints"))
      : [];
    const leftovers = names.filter((name) => name.startsWith(".tmp-ckpt"));
    if (leftovers.length > 0) throw new Error(`left behind: ${leftovers}`);
    appendFileSync(journal, "full\n");
  }
}
