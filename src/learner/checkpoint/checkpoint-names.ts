import { readdirSync } from "node:fs";
import { systemCode } from "../../storage/durable-files.ts";

/** What a folder's name begins with. */
export type NamePrefix = "ckpt" | "best";

/** A folder named like a checkpoint, and its place in the order they were taken. */
export interface CheckpointName {
  /** `<prefix>_<learner step, 9 digits>_<env steps>`, with `-<revision>` when that is not 0. */
  readonly name: string;
  readonly learnerStep: number;
  readonly envSteps: number;
  /** Tells cuts of one step apart: a run stopped right after it was resumed makes a second one. */
  readonly revision: number;
}

const pattern = /^([a-z]+)_(\d{9,})_(\d+)(?:-(\d+))?$/;

/** The name for a new checkpoint in `folder`, never one that is taken. */
export function nextName(
  folder: string,
  prefix: NamePrefix,
  cut: { readonly learnerStep: number; readonly envSteps: number },
): string {
  const same = listCheckpoints(folder, prefix).find(
    ({ learnerStep, envSteps }) => learnerStep === cut.learnerStep && envSteps === cut.envSteps,
  );
  const suffix = same === undefined ? "" : `-${same.revision + 1}`;
  return `${prefix}_${String(cut.learnerStep).padStart(9, "0")}_${cut.envSteps}${suffix}`;
}

/** The checkpoints in `folder`, newest first. */
export function listCheckpoints(folder: string, prefix: NamePrefix): CheckpointName[] {
  return listFolder(folder)
    .flatMap((name) => parseName(name, prefix) ?? [])
    .sort(
      (a, b) => b.learnerStep - a.learnerStep || b.envSteps - a.envSteps || b.revision - a.revision,
    );
}

/** The names in a folder, none when there is no such folder. */
export function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

function parseName(name: string, prefix: NamePrefix): CheckpointName | undefined {
  const match = pattern.exec(name);
  if (match === null || match[1] !== prefix) return undefined;
  return {
    name,
    learnerStep: Number(match[2]),
    envSteps: Number(match[3]),
    revision: Number(match[4] ?? 0),
  };
}
