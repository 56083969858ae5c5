import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { CheckpointFile } from "../../../src/learner/checkpoint/manifest.ts";
import type { CheckpointContents } from "../../../src/learner/checkpoint/write-checkpoint.ts";

/** An empty run folder, removed when the test is over. */
export function openRunFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "troupe-checkpoint-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "replay"));
  return folder;
}

/** Writes a replay segment whose content tells its name. */
export function writeSegment(runFolder: string, name: string): CheckpointFile {
  const path = `replay/${name}`;
  const content = Buffer.from(`transitions of ${name}\n`.repeat(3));
  writeFileSync(join(runFolder, path), content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { path, sizeBytes: content.length, sha256 };
}

/** Contents that depend on the step in every part. */
export function contentsAt(
  learnerStep: number,
  replay: readonly CheckpointFile[] = [],
): CheckpointContents {
  return {
    learnerStep,
    envSteps: 2 * learnerStep,
    tensors: {
      "actor/weights": { shape: [2, 2], data: Float32Array.of(learnerStep, -0, Number.NaN, 1e-40) },
      "adam/step": { shape: [], data: BigInt64Array.of(BigInt(learnerStep)) },
    },
    json: {
      rng: { generator: [learnerStep, -1, 0, 7], spareNormal: null },
      limiter: { inserts: 2 * learnerStep, samples: 0.1 + learnerStep },
    },
    files: { "policy.onnx": Uint8Array.of(8, 10, learnerStep % 256) },
    replay,
  };
}
