import { Heartbeat } from "../actors/heartbeat.ts";
import { BlackBox } from "../envs/failure/black-box.ts";
import { openEnv } from "../envs/registry.ts";
import { StopFlag } from "../threads/stop-flag.ts";
import { type ThreadResult, toThreadResult } from "../threads/thread-result.ts";
import { type EpisodeResult, evaluate, evaluationNoise } from "./evaluation.ts";
import type { EvaluationTask } from "./evaluation-task.ts";
import { openPolicy } from "./load-policy.ts";

/** Thread entry: opens the task's policy and environments for `evaluate`. */
export function runEvaluation(task: EvaluationTask): Promise<ThreadResult<EpisodeResult[]>> {
  return toThreadResult(() => runEpisodes(task));
}

async function runEpisodes(task: EvaluationTask): Promise<EpisodeResult[]> {
  await using policy = await openPolicy(
    task.model,
    "the policy to evaluate",
    evaluationNoise(task.seed),
  );
  return await evaluate({
    episodes: task.episodes,
    seed: task.seed,
    openEnv: () => openEnv(task.env.id, task.env.options),
    policy,
    heartbeat: new Heartbeat(task.heartbeat),
    signal: new StopFlag(task.stop),
    blackBoxes: task.blackBoxes.map((memory) => new BlackBox(memory)),
  });
}
