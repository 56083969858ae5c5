import { openEnv } from "../envs/registry.ts";
import { algorithmOf, chooserShape } from "./assemble.ts";
import type { Checkpoint } from "./checkpoint/read-checkpoint.ts";
import { PolicyExporter } from "./export-policy.ts";
import { policyWeights } from "./export-run.ts";
import type { LearnerTask } from "./learner-task.ts";
import { loadPlugins } from "./load-plugins.ts";

/**
 * A checkpoint's policy with its critics, which choose among `candidates` draws.
 *
 * @throws RunError CONFIG_INVALID when its critics do not judge actions, CHECKPOINT_INCOMPATIBLE.
 */
export async function chooserModel(
  snapshot: Checkpoint,
  config: LearnerTask["config"],
  candidates: number,
): Promise<Uint8Array> {
  const env = await openEnv(config.env.id, config.env.options);
  const { observationSpace, actionSpace } = env;
  env.close();
  const problem = { config, observationSize: observationSpace.size, actionSpace };
  const algorithm = algorithmOf(problem, await loadPlugins(config));
  const shape = chooserShape(algorithm, problem, candidates);
  return new PolicyExporter(shape).encode(policyWeights(snapshot, shape));
}
