import { Argument, Option } from "@commander-js/extra-typings";
import { findRun } from "../learner/find-run.ts";

export const runArgument = new Argument("<run>", "a run: its name, its folder, or latest");

export const checkpointOption = new Option(
  "--checkpoint <which>",
  "which policy (default: best, else last)",
).choices(["best", "last"] as const);

export const runDirOption = new Option("--run-dir <dir>", "folder that holds the run folders")
  .default("runs")
  .env("TROUPE_RUN_DIR");

/** The folder of the run that a user names. @throws RunError RUN_NOT_FOUND */
export function resolveRun(dir: string, name: string): string {
  return findRun(dir, name);
}
