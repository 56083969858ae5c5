import { ActionScale } from "../envs/action-scale.ts";
import type { Env, EnvSnapshot, ResetResult } from "../envs/env.ts";
import type { BlackBox } from "../envs/failure/black-box.ts";
import { type EnvCall, failureSentence } from "../envs/failure/env-failure.ts";
import { endlessFault, resetFault, stepFault } from "../envs/failure/step-fault.ts";
import { describeThrown } from "../envs/own/code-place.ts";
import { RunError } from "../errors.ts";
import {
  type ExtraColumn,
  extraLength,
  newRows,
  type Observations,
  observationRows,
  type Unroll,
} from "../protocol.ts";

/** How an episode ended. */
export interface EpisodeEnd {
  readonly env: number;
  readonly outcome: "terminated" | "truncated" | "failed";
  readonly episodeReturn: number;
  readonly episodeLength: number;
  /** Why, when it failed. */
  readonly reason?: string;
}

/** A stream between two unrolls; restoring it continues the episode bit for bit. */
export interface StreamSnapshot {
  readonly env: EnvSnapshot;
  readonly observation: readonly number[] | Uint8Array;
  readonly episodeReturn: number;
  readonly episodeLength: number;
  readonly seed: number;
  readonly episode: number;
}

export interface StreamOptions {
  readonly env: Env;
  readonly actor: number;
  /** The environment's index in the actor's vector. */
  readonly index: number;
  readonly unrollLength: number;
  /** What is recorded besides. */
  readonly extras?: readonly ExtraColumn[];
  /** Keeps what is needed to repeat a failure. */
  readonly blackBox?: BlackBox;
  /** A step or reset has failed: `message` says how; the black box knows the rest. */
  readonly onFailure?: (message: string, during: EnvCall) => void;
}

/** Numbers by name, [environments] each: what the policy program made beside the actions. */
export type ExtraRows = Readonly<Record<string, Float32Array>>;

/** Failed episodes in a row after which the environment is given up: it does not recover by itself. */
const MAX_FAILURES_IN_A_ROW = 10;

/**
 * One environment, its running episode and the unroll that is being collected from it.
 *
 * What a task does wrong ends here: a step that throws, a reward or an observation that is not finite ends
 * the episode as failed, and the offending step never becomes part of an unroll.
 */
export class EnvStream {
  readonly env: Env;
  /** What the policy sees next, [observation size]. */
  readonly observation: Observations;
  /** Numbers of a row of an unroll's observations, and how many rows one of them is. */
  readonly #rowSize: number;
  readonly #stack: number;
  readonly #actor: number;
  readonly #index: number;
  readonly #collected: Unroll;
  readonly #extras: readonly ExtraColumn[];
  readonly #scale: ActionScale;
  readonly #actionSize: number;
  #length = 0;
  #episodeReturn = 0;
  #episodeLength = 0;
  #failuresInARow = 0;
  readonly #blackBox: BlackBox | undefined;
  readonly #onFailure: StreamOptions["onFailure"];
  /** Of the environment's random stream. */
  #seed = 0;
  /** Resets since the seed was given. */
  #episode = 0;

  constructor(options: StreamOptions) {
    const { env, unrollLength, extras = [] } = options;
    this.#scale = new ActionScale(env);
    this.#actionSize = this.#scale.middle.length;
    const actionSize = this.#actionSize;
    const { size, image } = env.observationSpace;
    this.#stack = image?.stack ?? 1;
    this.#rowSize = size / this.#stack;
    const shape = { observationSize: this.#rowSize, frameStack: image?.stack };
    this.env = env;
    this.#actor = options.actor;
    this.#index = options.index;
    this.#blackBox = options.blackBox;
    this.#onFailure = options.onFailure;
    this.observation = newRows(shape, this.#stack);
    this.#extras = extras;
    this.#collected = {
      actor: options.actor,
      env: options.index,
      length: unrollLength,
      observations: newRows(shape, observationRows(shape, unrollLength)),
      actions: new Float32Array(unrollLength * actionSize),
      rewards: new Float32Array(unrollLength),
      terminated: new Uint8Array(unrollLength),
      truncated: new Uint8Array(unrollLength),
      policyVersions: new Int32Array(unrollLength),
      extras: Object.fromEntries(
        extras.map((column) => [column.name, new Float32Array(extraLength(column, unrollLength))]),
      ),
    };
  }

  /** Steps taken since the last cut. */
  get collected(): number {
    return this.#length;
  }

  /** Starts the first episode; `seed` starts the environment's random stream. */
  begin(seed: number): void {
    this.#seed = seed;
    this.#episode = 0;
    this.#startEpisode({ seed });
  }

  /**
   * Takes one step with `action`, clipped to [-1, 1] and scaled to the environment's bounds.
   * @param extras What the policy made with the action.
   * @returns How the episode ended, if it did; the unroll must then be cut before the next step.
   * @throws RunError ENV_FAILED when episodes keep failing or a reset does.
   */
  advance(
    action: Float32Array,
    policyVersion: number,
    extras: ExtraRows = {},
  ): EpisodeEnd | undefined {
    let result: ReturnType<Env["step"]>;
    const scaled = this.#scale.toEnv(action);
    this.#blackBox?.stepping(this.env, scaled);
    try {
      result = this.env.step(scaled);
    } catch (thrown) {
      return this.#fail(describeThrown(thrown));
    }
    const fault =
      stepFault(result, this.observation.length) ??
      endlessFault(result, this.#episodeLength + 1, this.env.maxEpisodeSteps);
    if (fault) return this.#fail(fault);
    const { observation, reward, terminated, truncated } = result;
    this.#blackBox?.returned();

    this.#recordExtras(extras);
    this.#record({ action, policyVersion, reward, terminated, truncated });
    this.observation.set(observation);
    this.#episodeReturn += reward;
    this.#episodeLength += 1;
    if (!terminated && !truncated) return undefined;
    this.#failuresInARow = 0;
    return this.#ended({ outcome: terminated ? "terminated" : "truncated" });
  }

  /**
   * A copy of the steps collected since the last cut, or undefined if there are none.
   * @param extras What the policy makes of the observation now; left out where nothing follows it.
   */
  cut(extras: ExtraRows = {}): Unroll | undefined {
    const length = this.#length;
    if (length === 0) return undefined;
    const { observations, actions, rewards, terminated, truncated, policyVersions } =
      this.#collected;
    observations.set(this.observation, length * this.#rowSize);
    this.#recordExtras(extras);
    this.#length = 0;
    return {
      actor: this.#actor,
      env: this.#index,
      length,
      observations: observations.slice(0, (length + this.#stack) * this.#rowSize),
      actions: actions.slice(0, length * this.#actionSize),
      rewards: rewards.slice(0, length),
      terminated: terminated.slice(0, length),
      truncated: truncated.slice(0, length),
      policyVersions: policyVersions.slice(0, length),
      ...(this.#extras.length > 0 ? { extras: this.#cutExtras(length) } : {}),
    };
  }

  /** Starts the next episode after one ended and was cut. */
  nextEpisode(): void {
    this.#startEpisode();
  }

  /** @throws RunError CONFIG_INVALID when the environment cannot be snapshotted. */
  snapshot(): StreamSnapshot {
    if (!this.env.snapshot) throw notSnapshotable(this.env.id);
    return {
      env: this.env.snapshot(),
      observation:
        this.observation instanceof Uint8Array ? this.observation.slice() : [...this.observation],
      episodeReturn: this.#episodeReturn,
      episodeLength: this.#episodeLength,
      seed: this.#seed,
      episode: this.#episode,
    };
  }

  restore(snapshot: StreamSnapshot): void {
    if (!this.env.restore) throw notSnapshotable(this.env.id);
    this.env.restore(snapshot.env);
    this.observation.set(snapshot.observation);
    this.#episodeReturn = snapshot.episodeReturn;
    this.#episodeLength = snapshot.episodeLength;
    this.#length = 0;
    const { seed, episode, episodeLength: step } = snapshot;
    this.#seed = seed;
    this.#episode = episode;
    this.#blackBox?.resumed(this.env, { seed, episode, step });
  }

  #record(step: {
    readonly action: Float32Array;
    readonly policyVersion: number;
    readonly reward: number;
    readonly terminated: boolean;
    readonly truncated: boolean;
  }): void {
    const collected = this.#collected;
    const t = this.#length++;
    // Of a stack all rows but the last are there already, unless it is the first.
    if (this.#stack === 1 || t === 0) {
      collected.observations.set(this.observation, t * this.#rowSize);
    } else {
      const newest = this.observation.subarray((this.#stack - 1) * this.#rowSize);
      collected.observations.set(newest, (t + this.#stack - 1) * this.#rowSize);
    }
    collected.actions.set(step.action, t * this.#actionSize);
    collected.rewards[t] = step.reward;
    collected.terminated[t] = step.terminated ? 1 : 0;
    collected.truncated[t] = step.truncated ? 1 : 0;
    collected.policyVersions[t] = step.policyVersion;
  }

  #recordExtras(rows: ExtraRows): void {
    const t = this.#length;
    for (const { name } of this.#extras) {
      const column = this.#collected.extras?.[name];
      // A column of steps has no room at the end, and nothing is written there.
      if (column) column[t] = rows[name]?.[this.#index] ?? 0;
    }
  }

  #cutExtras(length: number): Record<string, Float32Array> {
    const collected = this.#collected.extras ?? {};
    return Object.fromEntries(
      this.#extras.map((column) => [
        column.name,
        (collected[column.name] ?? new Float32Array()).slice(0, extraLength(column, length)),
      ]),
    );
  }

  #fail(what: string): EpisodeEnd {
    this.#failuresInARow += 1;
    const reason = this.#failed(what, "step");
    if (this.#failuresInARow >= MAX_FAILURES_IN_A_ROW) {
      throw new RunError(
        "ENV_FAILED",
        `${this.env.id}: ${MAX_FAILURES_IN_A_ROW} episodes in a row failed, the last so: ${reason}`,
      );
    }
    return this.#ended({ outcome: "failed", reason });
  }

  /** Tells of a failure. @returns A sentence with the task, the step and the seed. */
  #failed(what: string, during: EnvCall): string {
    const step = this.#episodeLength + 1;
    const place = { during, step, seed: this.#seed, episode: this.#episode };
    const sentence = failureSentence(this.env.id, what, place);
    this.#onFailure?.(sentence, during);
    this.#blackBox?.returned();
    return sentence;
  }

  #ended(how: Pick<EpisodeEnd, "outcome" | "reason">): EpisodeEnd {
    return {
      ...how,
      env: this.#index,
      episodeReturn: this.#episodeReturn,
      episodeLength: this.#episodeLength,
    };
  }

  #reset(options?: { readonly seed: number }): ResetResult {
    this.#blackBox?.resetting(options?.seed);
    try {
      return this.env.reset(options);
    } catch (thrown) {
      const sentence = this.#failed(`reset threw ${describeThrown(thrown)}`, "reset");
      throw new RunError("ENV_FAILED", sentence, { cause: thrown });
    }
  }

  #startEpisode(options?: { readonly seed: number }): void {
    const result = this.#reset(options);
    const fault = resetFault(result, this.observation.length);
    if (fault) throw new RunError("ENV_FAILED", this.#failed(`reset gave ${fault}`, "reset"));
    this.observation.set(result.observation);
    this.#episodeReturn = 0;
    this.#episodeLength = 0;
    this.#episode += 1;
    this.#blackBox?.started(this.env);
  }
}

function notSnapshotable(id: string): RunError {
  return new RunError(
    "CONFIG_INVALID",
    `${id} has no snapshot() and restore(), which deterministic mode needs; set deterministic=false`,
  );
}
