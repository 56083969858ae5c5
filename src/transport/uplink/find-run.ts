import { RunError } from "../../errors.ts";
import { observationRows, type UnrollShape } from "../../protocol.ts";
import type { GetRunResponse } from "../generated/troupe/v1/actor.ts";
import { unrollShapeIn } from "../on-policy-run.ts";
import { Backoff } from "./backoff.ts";
import { isTimeout, isTlsFailure, type LearnerChannel, statusName } from "./channel.ts";

export interface FindRunOptions {
  readonly channel: LearnerChannel;
  readonly signal: AbortSignal;
  readonly giveUpAfterMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A call ended, after so long, with this status. */
  readonly onCallEnd: (status: string, seconds: number) => void;
  /** Hears why there is no answer yet, once for each reason. */
  readonly onWait: (message: string) => void;
}

/** A run as the learner describes it, checked. */
export interface FoundRun {
  readonly run: GetRunResponse;
  readonly shape: UnrollShape;
  readonly envOptions: Readonly<Record<string, unknown>>;
}

/** An unroll must fit a message; this is far beyond any that makes sense. */
const MAX_UNROLL_NUMBERS = 1 << 24;
const MAX_PARAMETERS = 1 << 28;

/**
 * Asks the learner for its run, until it answers or `signal` is aborted, which gives undefined.
 *
 * @throws RunError LEARNER_REFUSED; LEARNER_LOST after `giveUpAfterMs`.
 */
export async function findRun(options: FindRunOptions): Promise<FoundRun | undefined> {
  const { channel, signal, giveUpAfterMs, random, onWait } = options;
  const backoff = new Backoff(random);
  const start = performance.now();
  let told: string | undefined;
  while (!signal.aborted) {
    try {
      return parseRun(await ask(options), channel.address);
    } catch (thrown) {
      if (signal.aborted) return undefined;
      const message = reasonToWait(thrown, channel);
      if (isTimeout(thrown)) channel.renew(channel.generation, message);
      const seconds = Math.round((performance.now() - start) / 1000);
      if (performance.now() - start > giveUpAfterMs) {
        throw new RunError("LEARNER_LOST", `no learner after ${seconds} s, giving up: ${message}`);
      }
      if (message !== told) onWait(message);
      told = message;
    }
    await backoff.pause(signal);
  }
  return undefined;
}

async function ask({ channel, signal, onCallEnd }: FindRunOptions): Promise<GetRunResponse> {
  const start = performance.now();
  let failure: Error | undefined;
  try {
    return await channel.getRun(signal);
  } catch (thrown) {
    failure = thrown as Error;
    throw thrown;
  } finally {
    onCallEnd(statusName(failure), (performance.now() - start) / 1000);
  }
}

/** @throws RunError when there is no point in trying again. */
function reasonToWait(thrown: unknown, channel: LearnerChannel): string {
  if (thrown instanceof RunError) throw thrown;
  const failure = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { message, error } = channel.explain(failure);
  if (error) throw error;
  // Certificates do not change by themselves, and whoever started this looks on now.
  if (isTlsFailure(failure)) throw new RunError("LEARNER_REFUSED", message);
  return message;
}

/** @throws RunError LEARNER_REFUSED for what no learner would say. */
function parseRun(run: GetRunResponse, address: string): FoundRun {
  const { envsPerActor, parameterCount, stepTimeoutSeconds } = run;
  const shape = unrollShapeIn(run);
  const numbers = shape
    ? observationRows(shape, shape.unrollLength) *
      (shape.observationSize + shape.actionSize + 3 + (shape.extras?.length ?? 0))
    : 0;
  const isSane =
    shape !== undefined &&
    Math.min(shape.observationSize, shape.actionSize, shape.unrollLength) >= 1 &&
    (shape.frameStack ?? 1) >= 1 &&
    numbers <= MAX_UNROLL_NUMBERS &&
    envsPerActor >= 1 &&
    parameterCount <= MAX_PARAMETERS &&
    stepTimeoutSeconds > 0;
  const envOptions = parseOptions(run.envOptionsJson);
  if (isSane && envOptions) return { run, shape, envOptions };
  throw new RunError("LEARNER_REFUSED", `${address} describes a run that cannot be`);
}

function parseOptions(json: string): Readonly<Record<string, unknown>> | undefined {
  if (json === "") return {};
  try {
    const value: unknown = JSON.parse(json);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    // Not JSON: the caller refuses it with the rest.
    return undefined;
  }
}
