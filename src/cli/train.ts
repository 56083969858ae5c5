import type { Command } from "@commander-js/extra-typings";
import { loadConfig } from "../config/load.ts";
import { annotatedYaml } from "../config/show.ts";
import { findRun, listRuns } from "../learner/find-run.ts";
import { runPaths } from "../learner/run-info.ts";
import { type LogFormat, openLog } from "../metrics/log.ts";
import { openProgress } from "../metrics/progress.ts";
import { train } from "../run/train.ts";
import { type ConfigFlags, loadFromFlags, withConfigFlags } from "./config-flags.ts";
import { CommandExit } from "./exit.ts";
import { logFormatOption, logLevelOption } from "./log-flags.ts";
import { StopSignals } from "./stop-signals.ts";

/** `troupe train`. */
export function addTrainCommand(program: Command): void {
  const command = program
    .command("train")
    .description("train on this machine: learner, actors and evaluations in threads");
  withConfigFlags(command)
    .argument("[env]", "environment id or file (default: HalfCheetah-v5)")
    .option(
      "--resume <run>",
      "go on with a run: its name, its folder, latest; auto: if there is one",
    )
    .option("--no-progress", "show no progress")
    .option("--progress-lines", "one plain line per interval, also on a terminal")
    .option("--dry-run", "print the resolved configuration and stop")
    .addOption(logFormatOption)
    .addOption(logLevelOption)
    .addHelpText("after", HELP)
    .action(run);
}

const HELP = `
The first Ctrl-C finishes the update, writes a checkpoint and ends; the second ends at once.
The run folder holds config.yaml, run.json, logs, curves (metrics.jsonl, progress.csv, tb/),
evaluations and checkpoints. \`troupe config show\` explains every field of the configuration.`;

interface TrainFlags extends ConfigFlags {
  readonly resume?: string | undefined;
  readonly progress: boolean;
  readonly progressLines?: true | undefined;
  readonly dryRun?: true | undefined;
  readonly logFormat: LogFormat;
  readonly logLevel: string;
}

async function run(env: string | undefined, flags: TrainFlags): Promise<void> {
  const resume = await folderToResume(flags);
  const loaded = await loadFromFlags(env, flags, resume && runPaths(resume).config);
  if (flags.dryRun) {
    console.log(annotatedYaml(loaded));
    return;
  }
  const { stderr } = process;
  using signals = new StopSignals((message) => stderr.write(`${message}\n`));
  const shown = flags.progress ? (flags.progressLines ? "lines" : "auto") : "none";
  const result = await train(loaded.config, {
    signal: signals.signal,
    commandLine: process.argv.slice(2),
    ...(resume === undefined ? {} : { resume }),
    openLog: (folder) =>
      openLog({
        format: flags.logFormat,
        level: flags.logLevel,
        stream: stderr,
        file: folder.paths.log,
      }),
    openProgress: (context) => openProgress(context, stderr, shown),
  });
  const best =
    result.bestReturn === null ? "" : `, best evaluation ${result.bestReturn.toFixed(1)}`;
  console.log(`${result.folder}: ${result.envSteps} environment steps${best}`);
  if (result.reason === "stopped" && signals.exitCode !== undefined) {
    throw new CommandExit(signals.exitCode);
  }
}

/** The folder that `--resume` means; undefined: start a run. @throws RunError RUN_NOT_FOUND */
async function folderToResume(flags: TrainFlags): Promise<string | undefined> {
  const { resume } = flags;
  if (resume === undefined) return undefined;
  const { dir, name } = await placeOf(flags);
  if (resume !== "auto") return findRun(dir, resume);
  if (name === undefined) return listRuns(dir)[0]?.path;
  return listRuns(dir).find(({ info }) => info.id === name)?.path;
}

/**
 * Where runs are kept. Not from the complete configuration: without what the run that is to go on was
 * started with, the flags alone need not make a valid one.
 */
async function placeOf({ config, runDir, name }: TrainFlags) {
  const file = config === undefined ? undefined : (await loadConfig({ file: config })).config.run;
  const named = name ?? (file?.name === "auto" ? undefined : file?.name);
  return { dir: runDir ?? process.env["TROUPE_RUN_DIR"] ?? file?.dir ?? "runs", name: named };
}
