import { gatewayCursors } from "./actor-cursors.ts";
import { ReplayMemory } from "./cut-memory.ts";
import { ImageShift } from "./image-shift.ts";
import { Learner } from "./learner.ts";
import type { LearnerSide, OpenSideFrom } from "./learner-side.ts";
import type { LearnerTask } from "./learner-task.ts";
import { openReplay } from "./open-replay.ts";
import { FreePace, TurnPace } from "./pace.ts";
import { ReplayMeter } from "./replay-meter.ts";

function imageShiftOf({ image, config }: LearnerTask): { imageShift?: ImageShift } {
  const { shift } = config.drqv2;
  return image && shift > 0 ? { imageShift: new ImageShift(image, shift) } : {};
}

/**
 * Learning from replay.
 *
 * @throws RunError OUT_OF_MEMORY, CONFIG_INVALID, CHECKPOINT_CORRUPT, CHECKPOINT_INCOMPATIBLE.
 */
export function openOffPolicy(task: LearnerTask, from: OpenSideFrom): LearnerSide {
  const { config } = task;
  const { totalSteps, algorithm } = config;
  const { barrier } = from;
  const remembered = openReplay(task, from);
  const { replay, limiter } = remembered;
  const meter = new ReplayMeter(replay, from.recorder);
  const pace = new (config.deterministic ? TurnPace : FreePace)(limiter, algorithm.batchSize);
  return {
    meter,
    memory: new ReplayMemory(remembered),
    delivery: (cursors) => {
      if (barrier === undefined) {
        return { durability: "memory", cursors: gatewayCursors(cursors?.state() ?? []) };
      }
      // Unrolls go into replay in the order of the log, each in a block of its own.
      const cut = replay.ring.position.nextBlock;
      return { durability: "log", cut, quotaBytes: config.cluster.logQuotaBytes, barrier };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
    open: (parts) =>
      new Learner(
        { ...parts, ...imageShiftOf(task), replay, pace, meter },
        {
          totalSteps,
          learningStarts: algorithm.learningStarts,
          publishInterval: config.learner.publishInterval,
          importanceExponent: config.replay.importanceExponent,
        },
      ),
  };
}
