import { Argument, Option } from "@commander-js/extra-typings";

export const runArgument = new Argument("<run>", "a run: its name, its folder, or latest");

export const checkpointOption = new Option(
  "--checkpoint <which>",
  "which policy (default: best, else last)",
).choices(["best", "last"] as const);

export const runDirOption = new Option("--run-dir <dir>", "folder that holds the run folders")
  .default("runs")
  .env("TROUPE_RUN_DIR");
