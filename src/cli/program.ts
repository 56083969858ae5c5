import { Command } from "@commander-js/extra-typings";
import { readVersions } from "../config/versions.ts";
import { errorText, exitCodeOf } from "./exit.ts";

type AddCommand = (program: Command) => void;

/**
 * In the order of `troupe --help`. A command's module is loaded when it is asked for: a probe that runs every few
 * seconds needs neither physics nor inference.
 */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  train: async () => (await import("./train.ts")).addTrainCommand,
  learner: async () => (await import("./learner.ts")).addLearnerCommand,
  actor: async () => (await import("./actor.ts")).addActorCommand,
  eval: async () => (await import("./eval.ts")).addEvalCommand,
  export: async () => (await import("./export.ts")).addExportCommand,
  status: async () => (await import("./status.ts")).addStatusCommand,
  control: async () => (await import("./control.ts")).addControlCommand,
  certs: async () => (await import("./certs.ts")).addCertsCommand,
  env: async () => (await import("./env.ts")).addEnvCommand,
  config: async () => (await import("./config.ts")).addConfigCommand,
  doctor: async () => (await import("./doctor.ts")).addDoctorCommand,
  health: async () => (await import("./health.ts")).addHealthCommand,
  bench: async () => (await import("./bench.ts")).addBenchCommand,
  version: async () => (await import("./version.ts")).addVersionCommand,
};

const EXAMPLES = `
Examples:
  $ troupe train HalfCheetah-v5                     SAC until 1M steps or Ctrl-C
  $ troupe train Hopper-v5 --seed 3 --name hop3     in runs/hop3
  $ troupe train -c run.yaml --set algorithm.batchSize=512
  $ troupe train --resume latest                    go on where it stopped
  $ troupe learner --listen 0.0.0.0:7447 --certs certs     a cluster's learner, and on any machine:
  $ troupe actor --learner HOST:7447 --certs certs
  $ troupe eval latest --episodes 10 --json
  $ troupe doctor                                   is everything here?

Data goes to stdout, logs to stderr. Exit codes: 0 done, 1 failure, 2 usage or configuration,
3 a threshold was not met, 75 stopped early with a checkpoint (run me again), 130 Ctrl-C.`;

/** What is needed to parse a command line. Nothing in it ends the process. */
async function buildProgram([name]: readonly string[]): Promise<Command> {
  const program = new Command("troupe")
    .description("Distributed actor-learner reinforcement learning on real MuJoCo physics.")
    .version(readVersions().troupe, "-V, --version")
    .helpOption("-h, --help", "show help")
    .showHelpAfterError("(--help shows what there is)")
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText("after", EXAMPLES);
  // Commands inherit the settings above, so they come last.
  const asked = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  const loading = (asked ? [asked] : Object.values(commands)).map((load) => load());
  for (const add of await Promise.all(loading)) add(program);
  return program;
}

/** Runs a command line. @returns The exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const program = await buildProgram(argv);
    await program.parseAsync(argv, { from: "user" });
    return 0;
  } catch (thrown) {
    const text = errorText(thrown);
    if (text !== undefined) console.error(text);
    return exitCodeOf(thrown);
  }
}
