import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "../../errors.ts";
import { systemCode } from "../../storage/durable-files.ts";
import { listCheckpoints } from "./checkpoint-names.ts";
import { type Checkpoint, readCheckpoint } from "./read-checkpoint.ts";

/** `best`: the best evaluated snapshot; `last`: the newest full cut. */
export type SnapshotChoice = "best" | "last";

/** A running learner may replace the folder between reading its name and its files. */
const attempts = 3;

/**
 * Reads a run's `best` or `last` checkpoint without its replay, changing nothing; the run may be going
 * on meanwhile.
 *
 * @param choice Without it the best, or the last while nothing has been evaluated.
 * @throws RunError RUN_NOT_FOUND when the run has no such checkpoint, CHECKPOINT_CORRUPT when it is
 *   damaged, CHECKPOINT_INCOMPATIBLE when a newer troupe wrote it.
 */
export function openSnapshot(runFolder: string, choice?: SnapshotChoice): Checkpoint {
  const checkpoints = join(runFolder, "checkpoints");
  const find = (): string | undefined =>
    choice === undefined
      ? (currentName(checkpoints, "best") ?? currentName(checkpoints, "last"))
      : currentName(checkpoints, choice);
  for (let attempt = 1; ; attempt++) {
    const name = find();
    if (name === undefined) {
      const kind = choice === undefined ? "" : `${choice} `;
      throw new RunError("RUN_NOT_FOUND", `${runFolder} has no ${kind}checkpoint yet`);
    }
    try {
      return readCheckpoint(join(checkpoints, name));
    } catch (thrown) {
      if (attempt === attempts || find() === name) throw thrown;
    }
  }
}

function currentName(checkpoints: string, choice: SnapshotChoice): string | undefined {
  const prefix = choice === "best" ? "best" : "ckpt";
  const present = listCheckpoints(checkpoints, prefix).map(({ name }) => name);
  const pointed = readPointer(join(checkpoints, choice));
  return pointed !== undefined && present.includes(pointed) ? pointed : present[0];
}

function readPointer(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
