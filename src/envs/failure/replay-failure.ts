import { RunError } from "../../errors.ts";
import type { Env } from "../env.ts";
import { describeThrown } from "../own/code-place.ts";
import { openEnv } from "../registry.ts";
import type { EnvFailure } from "./env-failure.ts";
import { endlessFault, resetFault, stepFault } from "./step-fault.ts";

export interface ReplayOutcome {
  /** Whether the environment failed again, at the same call. */
  readonly reproduced: boolean;
  /** What happened, in a sentence. */
  readonly message: string;
  /** The last call that was made, as in the failure. */
  readonly step: number;
}

/**
 * Asks an environment for everything that was asked of it before it failed: from the saved state, or, without
 * one, from the same number of resets after the same seed.
 *
 * @throws RunError as `openEnv`; CHECKPOINT_INCOMPATIBLE when the state is another environment's.
 */
export async function replayFailure(failure: EnvFailure): Promise<ReplayOutcome> {
  const env = await openEnv(failure.env.id, failure.env.options);
  try {
    return replay(env, failure);
  } finally {
    env.close();
  }
}

function replay(env: Env, failure: EnvFailure): ReplayOutcome {
  const { actions, during, start } = failure;
  const { size } = env.observationSpace;
  let step = start.step;
  let isAtStart = false;
  try {
    begin(env, failure);
    isAtStart = true;
    for (const action of actions) {
      step++;
      const problem = stepProblem(env, action, step);
      if (problem !== undefined) return found(failure, step, problem);
    }
    if (during === "reset" && failure.episode > 0) {
      const problem = resetFault(env.reset(), size);
      if (problem !== undefined) return found(failure, step, `reset gave ${problem}`);
    }
  } catch (thrown) {
    const isFirstReset = during === "reset" && failure.episode === 0;
    if (!isAtStart && !isFirstReset) throw thrown;
    return found(failure, step, describeThrown(thrown));
  }
  const why = start.snapshot === null && step > 0 ? "; it has no snapshot() to start from" : "";
  const calls = during === "reset" ? "and the reset " : "";
  return {
    reproduced: false,
    step,
    message: `${actions.length} steps ${calls}went well this time${why}`,
  };
}

/** What is wrong with a step, the episode's `step`th. */
function stepProblem(env: Env, action: readonly number[], step: number): string | undefined {
  const result = env.step(action);
  const { size } = env.observationSpace;
  return stepFault(result, size) ?? endlessFault(result, step, env.maxEpisodeSteps);
}

/** Brings the environment to where the trace begins. */
function begin(env: Env, { seed, episode, start, during }: EnvFailure): void {
  if (start.snapshot !== null) {
    if (!env.restore) {
      const what = `${env.id} has no restore() any more, which the saved state needs`;
      throw new RunError("CHECKPOINT_INCOMPATIBLE", what);
    }
    env.restore(start.snapshot);
    return;
  }
  const { size } = env.observationSpace;
  const problem = resetFault(env.reset({ seed }), size);
  if (problem !== undefined && during === "reset") throw new Error(`reset gave ${problem}`);
  for (let i = 1; i < episode; i++) env.reset();
}

function found({ during, step: failed }: EnvFailure, step: number, problem: string): ReplayOutcome {
  if (during === "reset" || step === failed) return { reproduced: true, step, message: problem };
  return { reproduced: false, step, message: `it failed at step ${step} already: ${problem}` };
}
