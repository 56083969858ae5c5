import type { Heartbeat } from "../actors/heartbeat.ts";
import type { Env } from "../envs/env.ts";
import type { BlackBox } from "../envs/failure/black-box.ts";
import { type EnvCall, failureSentence } from "../envs/failure/env-failure.ts";
import { endlessFault, resetFault, stepFault } from "../envs/failure/step-fault.ts";
import { describeThrown } from "../envs/own/code-place.ts";
import { RunError } from "../errors.ts";
import { RandomStream } from "../math/random.ts";
import type { LoadedPolicy } from "./load-policy.ts";

export interface EpisodeResult {
  readonly episodeReturn: number;
  readonly episodeLength: number;
}

export interface EvaluationOptions {
  readonly episodes: number;
  /** Root of the episodes' seeds; the same for every evaluation of a run. */
  readonly seed: number;
  readonly openEnv: () => Promise<Env>;
  readonly policy: LoadedPolicy;
  /** Number of the first episode, which its seed depends on; 0 when left out. */
  readonly first?: number;
  /** Beats whenever the environment's code is about to run. */
  readonly heartbeat?: Heartbeat;
  /** Once it is aborted, the evaluation ends before its next step. */
  readonly signal?: Pick<AbortSignal, "throwIfAborted">;
  /** One for each episode: keep what is needed to repeat a failure. */
  readonly blackBoxes?: readonly BlackBox[];
  /** Called with each environment after its reset and after each of its steps. */
  readonly watch?: (env: Env) => void;
}

/**
 * Runs one episode each in `episodes` environments side by side, one inference for all per step, with
 * raw rewards. Seeds depend on the root seed and the episode's number alone, so every evaluation of a run
 * starts from the same states and none moves a stream that training draws from.
 *
 * @throws RunError ENV_FAILED when the task diverges.
 * @throws DOMException AbortError when `signal` is aborted.
 */
export async function evaluate(options: EvaluationOptions): Promise<EpisodeResult[]> {
  const { episodes, policy, heartbeat, signal, first = 0, watch, blackBoxes } = options;
  const envs: Env[] = [];
  try {
    for (let i = 0; i < episodes; i++) {
      signal?.throwIfAborted();
      heartbeat?.stepping();
      envs.push(await options.openEnv());
    }
    const running = envs.map((env, i) => {
      const seed = episodeSeed(options.seed, first + i);
      return new Episode(env, seed, { watch, blackBox: blackBoxes?.[i] });
    });
    const observations = new Float32Array(episodes * policy.observationSize);
    while (running.some((episode) => !episode.ended)) {
      for (const [i, episode] of running.entries()) {
        observations.set(episode.observation, i * policy.observationSize);
      }
      // Inference is no fault of the environments, and not to be interrupted.
      heartbeat?.waiting();
      const actions = await policy.act(observations);
      for (const [i, episode] of running.entries()) {
        if (episode.ended) continue;
        signal?.throwIfAborted();
        heartbeat?.stepping();
        episode.step(actions.subarray(i * policy.actionSize, (i + 1) * policy.actionSize));
      }
    }
    return running.map(({ episodeReturn, episodeLength }) => ({ episodeReturn, episodeLength }));
  } finally {
    for (const env of envs) env.close();
  }
}

/** What a policy that draws its actions draws them with; the same for every evaluation of a run. */
export function evaluationNoise(seed: number): RandomStream {
  return RandomStream.derive(seed, "evaluation noise");
}

function episodeSeed(rootSeed: number, episode: number): number {
  return RandomStream.derive(rootSeed, "evaluation", episode).integer(2 ** 31);
}

/** Steps without an end after which an episode counts as endless: the task has no limit of its own. */
export const MAX_EVALUATION_STEPS = 100_000;

class Episode {
  readonly observation: Float32Array;
  episodeReturn = 0;
  episodeLength = 0;
  ended = false;
  readonly #env: Env;
  readonly #seed: number;
  readonly #onlookers: Onlookers;

  constructor(env: Env, seed: number, onlookers: Onlookers) {
    const { watch, blackBox } = onlookers;
    this.#env = env;
    this.#seed = seed;
    this.#onlookers = onlookers;
    blackBox?.resetting(seed);
    const result = this.#ask("reset", () => env.reset({ seed }));
    const fault = resetFault(result, env.observationSpace.size);
    if (fault) throw this.#failure("reset", `reset gave ${fault}`);
    this.observation = Float32Array.from(result.observation);
    blackBox?.started(env);
    watch?.(env);
  }

  step(action: Float32Array): void {
    const { watch, blackBox } = this.#onlookers;
    blackBox?.stepping(this.#env, action);
    const result = this.#ask("step", () => this.#env.step(action));
    watch?.(this.#env);
    const fault =
      stepFault(result, this.observation.length) ??
      endlessFault(result, this.episodeLength + 1, this.#env.maxEpisodeSteps);
    if (fault) throw this.#failure("step", fault);
    blackBox?.returned();
    this.observation.set(result.observation);
    this.episodeReturn += result.reward;
    this.episodeLength += 1;
    this.ended =
      result.terminated || result.truncated || this.episodeLength >= MAX_EVALUATION_STEPS;
  }

  #ask<Result>(call: EnvCall, run: () => Result): Result {
    try {
      return run();
    } catch (thrown) {
      throw this.#failure(call, describeThrown(thrown), thrown);
    }
  }

  #failure(during: EnvCall, what: string, cause?: unknown): RunError {
    const step = this.episodeLength + 1;
    const place = { during, step, seed: this.#seed, episode: during === "reset" ? 0 : 1 };
    const sentence = failureSentence(this.#env.id, what, place);
    return new RunError("ENV_FAILED", sentence, cause === undefined ? {} : { cause });
  }
}

interface Onlookers {
  readonly watch: EvaluationOptions["watch"];
  readonly blackBox: BlackBox | undefined;
}
