import { turnRule } from "../../config/on-policy.ts";
import { RunError } from "../../errors.ts";
import { extraLength, type UnrollShape } from "../../protocol.ts";
import { TurnQueue } from "../../replay/turn-queue.ts";
import { gatewayCursors } from "../actor-cursors.ts";
import { unrollShapeOf } from "../learner-memory.ts";
import type { LearnerSide } from "../learner-side.ts";
import type { LearnerTask } from "../learner-task.ts";
import { Intake } from "./intake.ts";
import { OnPolicyLearner } from "./on-policy-learner.ts";
import { estimateAdvantages, type RolloutOptions } from "./rollout.ts";
import { TurnMemory } from "./turn-memory.ts";

/** Learning from what the policy itself has just done. @throws RunError CONFIG_INVALID */
export function openOnPolicy(task: LearnerTask): LearnerSide {
  const { config, settings } = task;
  const { algorithm, ppo, totalSteps } = config;
  const shape = unrollShapeOf(task);
  const rule = turnRule(config) ?? { ahead: 0, holdsFrames: false };
  checkQueue(task, shape, rule.ahead);
  const queue = new TurnQueue(ppo.queueBytes);
  const intake = new Intake(queue, {
    actors: settings.actorsExpected,
    maxAge: rule.ahead,
    select: ppo.mode === "asynchronous" ? "first-come" : "every-actor",
    timeoutMs: 1000 * ppo.turnTimeoutSeconds,
  });
  const { observationSize, actionSize, unrollLength } = shape;
  const rollout: RolloutOptions = {
    ...{ observationSize, actionSize },
    ...{ gamma: algorithm.gamma, lambda: ppo.gaeLambda, rewardClip: ppo.rewardClip },
  };
  return {
    meter: { read: () => undefined },
    memory: new TurnMemory(queue, intake),
    delivery: (cursors) => ({
      durability: "memory",
      cursors: gatewayCursors(cursors?.state() ?? []),
    }),
    open: (parts) =>
      new OnPolicyLearner(
        {
          ...{ ...parts, queue, intake },
          estimate: async ({ turns }, scales) => estimateAdvantages(turns, rollout, scales),
        },
        {
          ...{ totalSteps, ahead: rule.ahead },
          ...{ epochs: ppo.epochs, batchSize: algorithm.batchSize, targetKl: ppo.targetKl },
          ...{ annealLearningRate: ppo.annealLearningRate, learningRate: ppo.learningRate },
          normalizeAdvantages: ppo.normalizeAdvantages,
          shape: { ...shape, capacity: unrollLength },
        },
      ),
  };
}

/** Every actor's turns must fit the queue at once, or iterations would never be complete. */
function checkQueue({ config, settings }: LearnerTask, shape: UnrollShape, ahead: number): void {
  const { observationSize, actionSize, unrollLength, extras = [] } = shape;
  const columns = extras.reduce((sum, extra) => sum + extraLength(extra, 1), 0);
  const step = 4 * (2 * observationSize + actionSize + columns + 2) + 2;
  const turns = Math.max(1, settings.actorsExpected) * (ahead + 1);
  const bytes = turns * config.actors.envsPerActor * (unrollLength + 1) * step;
  const { queueBytes } = config.ppo;
  if (bytes <= queueBytes) return;
  throw new RunError(
    "CONFIG_INVALID",
    `ppo.queueBytes is ${queueBytes}, but the turns of all actors take up to ${bytes}; raise it, or lower actors.unrollLength`,
  );
}
