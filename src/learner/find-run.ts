import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { didYouMean } from "../config/nearest.ts";
import { RunError } from "../errors.ts";
import { systemCode } from "../storage/durable-files.ts";
import { type RunInfo, readRunInfo, runPaths } from "./run-info.ts";

/** A run and where it is. */
export interface FoundRun {
  readonly path: string;
  readonly info: RunInfo;
}

/** The runs in a folder, the last started first. */
export function listRuns(dir: string): readonly FoundRun[] {
  return entries(dir)
    .map((name) => resolve(dir, name))
    .filter(isRun)
    .flatMap(readable)
    .sort((a, b) => b.info.startedAt.localeCompare(a.info.startedAt));
}

/**
 * The folder of a run by its name in `dir`, its path, or as `latest`.
 * @throws RunError RUN_NOT_FOUND
 */
export function findRun(dir: string, run: string): string {
  if (run === "latest") {
    const [newest] = listRuns(dir);
    if (newest) return newest.path;
    throw new RunError("RUN_NOT_FOUND", `there are no runs in ${dir} yet`);
  }
  const found = [join(dir, run), run].find(isRun);
  if (found !== undefined) return resolve(found);
  if (run.endsWith(".onnx")) {
    const what = `${run} is an exported policy; name the run that it comes from`;
    throw new RunError(
      "RUN_NOT_FOUND",
      `${what}, or play it by itself (examples/python-actor/evaluate.py)`,
    );
  }
  const names = listRuns(dir).map(({ info }) => info.id);
  throw new RunError("RUN_NOT_FOUND", `there is no run ${run} in ${dir}${didYouMean(run, names)}`);
}

/** None for a run whose run.json is damaged: one bad folder must not hide the others. */
function readable(path: string): readonly FoundRun[] {
  try {
    return [{ path, info: readRunInfo(path) }];
  } catch (thrown) {
    if (RunError.from(thrown).code === "RUN_NOT_FOUND") return [];
    throw thrown;
  }
}

function isRun(path: string): boolean {
  return existsSync(runPaths(path).info) && existsSync(runPaths(path).config);
}

function entries(dir: string): readonly string[] {
  try {
    // A name that begins with a dot is work that was not finished.
    return readdirSync(dir).filter((name) => !name.startsWith("."));
  } catch (thrown) {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(thrown) ?? "")) return [];
    throw thrown;
  }
}
