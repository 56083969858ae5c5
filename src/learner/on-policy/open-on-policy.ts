import type { Algorithm } from "../../algorithms/algorithm.ts";
import { turnRule } from "../../config/on-policy.ts";
import { RunError } from "../../errors.ts";
import { extraLength, type UnrollShape } from "../../protocol.ts";
import { TurnQueue } from "../../replay/turn-queue.ts";
import { gatewayCursors } from "../actor-cursors.ts";
import type { Checkpoint } from "../checkpoint/read-checkpoint.ts";
import { unrollShapeOf } from "../learner-memory.ts";
import type { LearnerSide, LoopParts } from "../learner-side.ts";
import type { LearnerTask } from "../learner-task.ts";
import { Intake } from "./intake.ts";
import { PolicyJudge } from "./judge.ts";
import { type Estimate, OnPolicyLearner } from "./on-policy-learner.ts";
import { estimateAdvantages, type RolloutOptions } from "./rollout.ts";
import { correctStaleness, effectiveShare, type StaleOptions } from "./stale-rollout.ts";
import { TurnMemory } from "./turn-memory.ts";

export interface OpenOnPolicyFrom {
  readonly algorithm: Algorithm;
  readonly restored: Checkpoint | undefined;
}

/** Learning from what the policy itself has just done. @throws RunError CONFIG_INVALID */
export async function openOnPolicy(
  task: LearnerTask,
  { algorithm, restored }: OpenOnPolicyFrom,
): Promise<LearnerSide> {
  const { config, settings } = task;
  const { ppo, totalSteps } = config;
  const { gamma, batchSize } = config.algorithm;
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
    ...{ gamma, lambda: ppo.gaeLambda, rewardClip: ppo.rewardClip },
  };
  const memory = new TurnMemory(queue, intake);
  // Without an actor's state its turns begin anew anyway.
  if (restored && config.deterministic) memory.restore(restored);
  const judge = ppo.mode === "asynchronous" ? await PolicyJudge.create(algorithm) : undefined;
  return {
    meter: { read: () => undefined },
    memory,
    delivery: (cursors) => ({
      durability: "memory",
      cursors: gatewayCursors(cursors?.state() ?? []),
    }),
    [Symbol.asyncDispose]: async () => await judge?.[Symbol.asyncDispose](),
    open: (parts) =>
      new OnPolicyLearner(
        {
          ...{ ...parts, queue, intake, memory },
          estimate: judge
            ? estimateStale(judge, parts, { ...rollout, traceClip: ppo.traceClip })
            : async ({ turns }, scales) => estimateAdvantages(turns, rollout, scales),
        },
        {
          ...{ totalSteps, rule },
          ...{ epochs: ppo.epochs, batchSize, targetKl: ppo.targetKl },
          ...{ annealLearningRate: ppo.annealLearningRate, learningRate: ppo.learningRate },
          normalizeAdvantages: ppo.normalizeAdvantages,
          shape: { ...shape, capacity: unrollLength },
        },
      ),
  };
}

function estimateStale(
  judge: PolicyJudge,
  { step, recorder }: LoopParts,
  options: Omit<StaleOptions, "judge">,
): Estimate {
  return async ({ turns }, scales) => {
    const opinion: StaleOptions["judge"] = (observations, actions) =>
      judge.judge(step.published(), observations, actions);
    const rollout = await correctStaleness(turns, { ...options, judge: opinion }, scales);
    const share = effectiveShare(rollout.weights ?? new Float32Array());
    recorder.setLogged("train/behaviour_sample_size", share);
    return rollout;
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
