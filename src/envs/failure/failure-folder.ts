import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeFailure } from "../../storage/durable-files.ts";
import { isEnvFile } from "../env-file.ts";
import type { EnvFailure } from "./env-failure.ts";

/** Files kept in one folder; the first are the ones that tell most. */
const MOST_FILES = 20;
/** Longest file; a trace is much shorter. */
const MOST_BYTES = 4e6;

/**
 * Saves a failure as `<number>-<call>-<step>.json`.
 * @returns The file, or undefined when there are enough already, or it is too long.
 * @throws RunError DISK_FULL
 */
export function saveFailure(folder: string, failure: EnvFailure): string | undefined {
  const { id, options } = failure.env;
  // The file is to work from anywhere.
  const env = { id: isEnvFile(id) ? resolve(id) : id, options };
  const text = JSON.stringify({ ...failure, env });
  if (text.length > MOST_BYTES) return undefined;
  const count = existsSync(folder) ? readdirSync(folder).length : 0;
  if (count >= MOST_FILES) return undefined;
  const number = String(count + 1).padStart(2, "0");
  const file = join(folder, `${number}-${failure.during}-${failure.step}.json`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, `${text}\n`);
  } catch (thrown) {
    rmSync(file, { force: true });
    throw writeFailure(file, thrown);
  }
  return file;
}
