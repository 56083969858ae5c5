import type { Command } from "@commander-js/extra-typings";
import { findRun } from "../learner/find-run.ts";
import { evaluateRun, type RunEvaluation, type RunVideoOptions } from "../run/evaluate-run.ts";
import { finiteNumber, wholeNumber } from "./arguments.ts";
import { CommandExit, exitCodes } from "./exit.ts";
import {
  cameraOption,
  DEFAULT_SIZE,
  type PictureSize,
  refuseWithout,
  sizeOption,
} from "./picture-flags.ts";
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
    .option("--video [file]", "film it too: an .mp4 or .gif (default: both in the run's folder)")
    .option("--video-episodes <n>", "episodes in the film (default: 1)", wholeNumber(1))
    .addOption(cameraOption)
    .addOption(sizeOption)
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
  readonly video?: string | true | undefined;
  readonly videoEpisodes?: number | undefined;
  readonly camera?: string | undefined;
  readonly size?: PictureSize | undefined;
  readonly minReturn?: number | undefined;
  readonly json?: true | undefined;
  readonly runDir: string;
}

async function run(name: string, flags: EvalFlags): Promise<void> {
  const { checkpoint, episodes, seed, bestOf, minReturn } = flags;
  if (flags.video === undefined) {
    const { camera, size, videoEpisodes } = flags;
    const unused = { "--camera": camera, "--size": size, "--video-episodes": videoEpisodes };
    refuseWithout("--video", unused);
  }
  const result = await evaluateRun(findRun(flags.runDir, name), {
    episodes,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(seed === undefined ? {} : { seed }),
    ...(bestOf === undefined ? {} : { bestOf }),
    ...(flags.video === undefined ? {} : { video: videoOptions(flags, flags.video) }),
  });
  console.log(flags.json ? JSON.stringify(result) : describe(result));
  if (minReturn !== undefined && !(result.mean_reward >= minReturn)) {
    console.error(`the mean return ${result.mean_reward} is below ${minReturn}`);
    throw new CommandExit(exitCodes.threshold);
  }
}

function videoOptions(flags: EvalFlags, video: string | true): RunVideoOptions {
  const { videoEpisodes = 1, camera, size = DEFAULT_SIZE } = flags;
  return {
    ...size,
    episodes: videoEpisodes,
    ...(camera === undefined ? {} : { camera }),
    ...(video === true ? {} : { files: [video] }),
  };
}

function describe(result: RunEvaluation): string {
  const { env, checkpoint, mean_reward, std_reward, n_eval_episodes, mean_ep_length } = result;
  const videos = (result.videos ?? []).map(
    ({ file, frames, frames_per_second }) =>
      `\n${file}: ${frames} frames, ${frames_per_second} a second`,
  );
  return (
    `${env}, ${checkpoint}: mean return ${mean_reward.toFixed(2)} +/- ${std_reward.toFixed(2)} over ` +
    `${n_eval_episodes} episodes of ${mean_ep_length.toFixed(0)} steps${videos.join("")}`
  );
}
