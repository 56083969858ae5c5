import type { LogStatus } from "../../replay/log/frame-log.ts";
import type { GetRunResponse } from "../generated/troupe/v1/actor.ts";
import type { GetStatusResponse } from "../generated/troupe/v1/control.ts";
import type { Gateway } from "./gateway.ts";
import type { LearnerProgress } from "./gateway-task.ts";

export interface StatusParts {
  readonly run: GetRunResponse;
  readonly totalSteps: number;
  readonly gateway: Gateway;
  /** What the main thread told last. */
  readonly progress: LearnerProgress;
  readonly log: LogStatus | undefined;
  /** Since the gateway was opened. */
  readonly uptimeSeconds: number;
  /** In the gateway's time. */
  readonly now: number;
}

/** The state of the run as ControlService tells it. */
export function statusOf(parts: StatusParts): GetStatusResponse {
  const { run, gateway, progress, log } = parts;
  return {
    runId: run.runId,
    term: run.term,
    envId: run.envId,
    algorithm: run.algorithm,
    envSteps: progress.envSteps,
    totalSteps: parts.totalSteps,
    learnerSteps: progress.learnerSteps,
    uptimeSeconds: parts.uptimeSeconds,
    limiter: limiterOf(progress),
    actors: gateway.members.statuses(parts.now),
    queuedFrames: gateway.queuedFrames,
    log: log && {
      sizeBytes: log.sizeBytes,
      quotaBytes: log.quotaBytes,
      pendingFrames: gateway.pendingFrames,
      trouble: log.trouble ?? "",
    },
  };
}

function limiterOf({ limiter }: LearnerProgress): GetStatusResponse["limiter"] {
  if (limiter === undefined) return undefined;
  const { sentence, waiting, error, low, high, size } = limiter;
  return { sentence, waiting, error, low, high, replaySize: size };
}
