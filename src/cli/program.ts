import { Command } from "@commander-js/extra-typings";
import { readVersions } from "../config/versions.ts";
import { addBenchCommand } from "./bench.ts";
import { addCertsCommand } from "./certs.ts";
import { addConfigCommand } from "./config.ts";
import { addControlCommand } from "./control.ts";
import { addDoctorCommand } from "./doctor.ts";
import { addEnvCommand } from "./env.ts";
import { addEvalCommand } from "./eval.ts";
import { errorText, exitCodeOf } from "./exit.ts";
import { addExportCommand } from "./export.ts";
import { addHealthCommand } from "./health.ts";
import { addLearnerCommand } from "./learner.ts";
import { addStatusCommand } from "./status.ts";
import { addTrainCommand } from "./train.ts";
import { addVersionCommand } from "./version.ts";

/** In the order of `troupe --help`. */
const commands: readonly ((program: Command) => void)[] = [
  addTrainCommand,
  addLearnerCommand,
  addEvalCommand,
  addExportCommand,
  addStatusCommand,
  addControlCommand,
  addCertsCommand,
  addEnvCommand,
  addConfigCommand,
  addDoctorCommand,
  addHealthCommand,
  addBenchCommand,
  addVersionCommand,
];

const EXAMPLES = `
Examples:
  $ troupe train HalfCheetah-v5                     SAC until 1M steps or Ctrl-C
  $ troupe train Hopper-v5 --seed 3 --name hop3     in runs/hop3
  $ troupe train -c run.yaml --set algorithm.batchSize=512
  $ troupe train --resume latest                    go on where it stopped
  $ troupe eval latest --episodes 10 --json
  $ troupe doctor                                   is everything here?

Data goes to stdout, logs to stderr. Exit codes: 0 done, 1 failure, 2 usage or configuration,
3 a threshold was not met, 75 stopped early with a checkpoint (run me again), 130 Ctrl-C.`;

/** The command line, ready to parse. Nothing in it ends the process. */
export function buildProgram(): Command {
  const program = new Command("troupe")
    .description("Distributed actor-learner reinforcement learning on real MuJoCo physics.")
    .version(readVersions().troupe, "-V, --version")
    .helpOption("-h, --help", "show help")
    .showHelpAfterError("(--help shows what there is)")
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText("after", EXAMPLES);
  // Commands inherit the settings above, so they come last.
  for (const add of commands) add(program);
  return program;
}

/** Runs a command line. @returns The exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync(argv, { from: "user" });
    return 0;
  } catch (thrown) {
    const text = errorText(thrown);
    if (text !== undefined) console.error(text);
    return exitCodeOf(thrown);
  }
}
