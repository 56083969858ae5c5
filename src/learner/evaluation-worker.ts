import { CompiledPolicy } from "../actors/compiled-policy.ts";
import { openEnv } from "../envs/registry.ts";
import { type EpisodeResult, evaluate } from "./evaluation.ts";
import type { EvaluationTask } from "./evaluation-task.ts";

/** Thread entry: wires the task's program to `evaluate`. */
export async function runEvaluation(task: EvaluationTask): Promise<EpisodeResult[]> {
  await using policy = await CompiledPolicy.load(task.program, { normalizes: task.normalizes });
  policy.setParameters(task.parameters, task.normalizer);
  return await evaluate({
    episodes: task.episodes,
    seed: task.seed,
    openEnv: () => openEnv(task.env.id, task.env.options),
    policy,
  });
}
