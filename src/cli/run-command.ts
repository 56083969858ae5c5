import { type Command, Option } from "@commander-js/extra-typings";
import { type FlagSetting, loadConfig } from "../config/load.ts";
import { annotatedYaml } from "../config/show.ts";
import { unheeded } from "../config/unheeded.ts";
import { findRun, listRuns } from "../learner/find-run.ts";
import { runPaths } from "../learner/run-info.ts";
import { openLog } from "../metrics/log.ts";
import { openProgress } from "../metrics/progress.ts";
import type { train } from "../run/train.ts";
import { loadFromFlags, withConfigFlags } from "./config-flags.ts";
import { CommandExit } from "./exit.ts";
import { logFormatOption, logLevelOption } from "./log-flags.ts";
import { StopSignals } from "./stop-signals.ts";

/** Adds what every command that trains takes: the configuration's flags and those of a run. */
export function withRunFlags(command: Command, actors?: string) {
  return withConfigFlags(command, actors)
    .argument("[env]", "environment id or file (default: HalfCheetah-v5)")
    .addOption(
      new Option(
        "--resume <run>",
        "go on with a run: its name, its folder, latest; auto: if there is one",
      ),
    )
    .option("--no-progress", "show no progress")
    .option("--progress-lines", "one plain line per interval, also on a terminal")
    .option("--dry-run", "print the resolved configuration and stop")
    .addOption(logFormatOption)
    .addOption(logLevelOption);
}

export type RunFlags = ReturnType<ReturnType<typeof withRunFlags>["opts"]>;

/** What a command adds to the run that its flags describe. */
export interface RunCommand {
  /** Which run it is: `train` or `trainCluster`. */
  readonly start: typeof train;
  /** What the command's own flags set. */
  readonly settings?: readonly FlagSetting[];
}

/** Runs to the end or to a signal, and says what came of it. */
export async function runFromFlags(
  env: string | undefined,
  flags: RunFlags,
  { start, settings = [] }: RunCommand,
): Promise<void> {
  const resume = await folderToResume(flags);
  const file = resume && runPaths(resume).config;
  const loaded = await loadFromFlags(env, flags, { file, settings });
  if (flags.dryRun) {
    console.log(annotatedYaml(loaded));
    return;
  }
  const { stderr } = process;
  for (const sentence of unheeded(loaded)) stderr.write(`warning: ${sentence}\n`);
  using signals = new StopSignals((message) => stderr.write(`${message}\n`));
  const shown = flags.progress ? (flags.progressLines ? "lines" : "auto") : "none";
  const result = await start(loaded.config, {
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
async function folderToResume(flags: RunFlags): Promise<string | undefined> {
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
async function placeOf({ config, runDir, name }: RunFlags) {
  const file = config === undefined ? undefined : (await loadConfig({ file: config })).config.run;
  const named = name ?? (file?.name === "auto" ? undefined : file?.name);
  return { dir: runDir ?? process.env["TROUPE_RUN_DIR"] ?? file?.dir ?? "runs", name: named };
}
