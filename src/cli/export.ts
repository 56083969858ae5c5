import type { Command } from "@commander-js/extra-typings";
import { findRun } from "../learner/find-run.ts";
import { checkpointOption, runArgument, runDirOption } from "./run-argument.ts";

/** `troupe export`. */
export function addExportCommand(program: Command): void {
  program
    .command("export")
    .description("write a run's policy as one ONNX file, checked against the learner's own")
    .addArgument(runArgument)
    .addOption(checkpointOption)
    .option("-o, --output <file>", "file to write (default: RUN/export/policy.onnx)")
    .option("--json", "print one JSON object")
    .addOption(runDirOption)
    .action(run);
}

interface ExportFlags {
  readonly checkpoint?: "best" | "last" | undefined;
  readonly output?: string | undefined;
  readonly json?: true | undefined;
  readonly runDir: string;
}

async function run(name: string, flags: ExportFlags): Promise<void> {
  // Brings the compiler along, which other commands need not wait for.
  const { exportRun } = await import("../learner/export-run.ts");
  const { checkpoint, output } = flags;
  const exported = await exportRun(findRun(flags.runDir, name), {
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(output === undefined ? {} : { output }),
  });
  if (flags.json) {
    console.log(JSON.stringify(exported));
    return;
  }
  console.log(
    `${exported.path}: ${exported.env}, ${exported.checkpoint}; differs from the learner's actions by ` +
      `at most ${exported.maxDifference.toExponential(1)} on ${exported.checkedObservations} observations`,
  );
}
