import type { Command } from "@commander-js/extra-typings";
import { train } from "../run/train.ts";
import { runFromFlags, withRunFlags } from "./run-command.ts";

/** `troupe train`. */
export function addTrainCommand(program: Command): void {
  const command = program
    .command("train")
    .description("train on this machine: learner, actors and evaluations in threads");
  withRunFlags(command)
    .addHelpText("after", HELP)
    .action((env, flags) => runFromFlags(env, flags, { start: train }));
}

const HELP = `
The first Ctrl-C finishes the update, writes a checkpoint and ends; the second ends at once.
The run folder holds config.yaml, run.json, logs, curves (metrics.jsonl, progress.csv, tb/),
evaluations and checkpoints. \`troupe config show\` explains every field of the configuration.`;
