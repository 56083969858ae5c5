import type { Command } from "@commander-js/extra-typings";
import { findRun } from "../learner/find-run.ts";
import { evaluateRun, type RunEvaluation } from "../run/evaluate-run.ts";
import { finiteNumber, wholeNumber } from "./arguments.ts";
import { CommandExit, exitCodes } from "./exit.ts";
import { checkpointOption, runArgument, runDirOption } from "./run-argument.ts";

/** `troupe eval`. */
export function addEvalCommand(program: Command): void {
  program
    .command("eval")
    .description("run a trained policy: raw returns, no exploration, fixed seeds")
    .addArgument(runArgument)
    .addOption(checkpointOption)
    .option("--episodes <n>", "episodes to run", wholeNumber(1), 10)
    .option(
      "--seed <n>",
      "seed of the episodes (default: the run's evaluation.seed)",
      wholeNumber(0),
    )
    .option(
      "--best-of <n>",
      "draw so many actions in each step and let the critics choose (default: the run's evaluation.bestOf)",
      wholeNumber(1),
    )
    .option("--min-return <x>", "exit with 3 when the mean return is lower", finiteNumber)
    .option("--json", "print one JSON object")
    .addOption(runDirOption)
    .action(run);
}

interface EvalFlags {
  readonly checkpoint?: "best" | "last" | undefined;
  readonly episodes: number;
  readonly seed?: number | undefined;
  readonly bestOf?: number | undefined;
  readonly minReturn?: number | undefined;
  readonly json?: true | undefined;
  readonly runDir: string;
}

async function run(name: string, flags: EvalFlags): Promise<void> {
  const { checkpoint, episodes, seed, bestOf, minReturn } = flags;
  const result = await evaluateRun(findRun(flags.runDir, name), {
    episodes,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(seed === undefined ? {} : { seed }),
    ...(bestOf === undefined ? {} : { bestOf }),
  });
  console.log(flags.json ? JSON.stringify(result) : describe(result));
  if (minReturn !== undefined && !(result.mean_reward >= minReturn)) {
    console.error(`the mean return ${result.mean_reward} is below ${minReturn}`);
    throw new CommandExit(exitCodes.threshold);
  }
}

function describe(result: RunEvaluation): string {
  const { env, checkpoint, mean_reward, std_reward, n_eval_episodes, mean_ep_length } = result;
  return (
    `${env}, ${checkpoint}: mean return ${mean_reward.toFixed(2)} +/- ${std_reward.toFixed(2)} over ` +
    `${n_eval_episodes} episodes of ${mean_ep_length.toFixed(0)} steps`
  );
}
