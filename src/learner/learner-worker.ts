import { expose } from "comlink";
import { comlinkPort } from "../threads/comlink-port.ts";
import { type ThreadResult, toThreadResult } from "../threads/thread-result.ts";
import { assembleLearner } from "./assemble.ts";
import { blamePlugins } from "./check-plugin.ts";
import { compilePolicy } from "./compile-policy.ts";
import type { LearnerControl, LearnerEvent, LearnerResult, LearnerTask } from "./learner-task.ts";

/** Thread entry: assembles the learner, announces it, and runs it to its last checkpoint. */
export function runLearner(task: LearnerTask): Promise<ThreadResult<LearnerResult>> {
  return toThreadResult(() => learn(task));
}

async function learn(task: LearnerTask): Promise<LearnerResult> {
  const emit = (event: LearnerEvent): void => task.events.postMessage(event);
  try {
    const { files } = task.config.plugins;
    await using parts = await blamePlugins(files, () => assembleLearner(task, emit));
    const { learner, chores, cut } = parts;
    const control: LearnerControl = {
      stop: () => learner.stop(),
      explain: () => cut.explain(),
      checkpoint: () => chores.requestCheckpoint(),
      evaluated: (score) => chores.evaluated(score),
    };
    expose(control, comlinkPort(task.control));
    emit({
      type: "ready",
      memory: parts.memory,
      delivery: parts.delivery,
      policyProgram: await blamePlugins(files, () =>
        compilePolicy(parts.algorithm, task.config.actors.envsPerActor),
      ),
      ...learner.progress,
      warnings: parts.warnings,
    });
    try {
      const reason = await learner.run();
      if (reason === "completed") await chores.finish(() => learner.stopRequested);
      chores.checkpoint();
      const { learnerStep, envSteps } = learner.progress;
      const digest = task.config.deterministic ? { digest: cut.digest() } : {};
      return { reason, learnerStep, envSteps, ...digest };
    } finally {
      // What led to a failure is worth seeing.
      chores.flush(learner.progress);
    }
  } finally {
    task.control.close();
    task.events.close();
  }
}
