import { z } from "zod";
import { RunError } from "../../errors.ts";
import type { RenderOptions } from "../../render/renderer.ts";
import type {
  Env,
  EnvSnapshot,
  Observation,
  ResetOptions,
  ResetResult,
  Space,
  StepInfo,
  StepResult,
  View,
} from "../env.ts";

/**
 * Truncates an environment's episodes on the step whose number reaches `limit`; `terminated` keeps its
 * own value. Takes ownership of `env`.
 *
 * @throws RangeError unless `limit` is a positive integer.
 */
export function timeLimit(env: Env, limit: number): Env {
  if (!(Number.isInteger(limit) && limit > 0)) throw new RangeError(`time limit ${limit}`);
  return new TimeLimit(env, limit);
}

const snapshotSchema = z.strictObject({
  elapsed: z.int().nonnegative(),
  env: z.record(z.string(), z.unknown()),
});

class TimeLimitResult implements StepResult {
  observation: Observation = new Float64Array(0);
  reward = 0;
  terminated = false;
  truncated = false;
  info: StepInfo = {};
}

class TimeLimit implements Env {
  readonly id: string;
  readonly observationSpace: Env["observationSpace"];
  readonly actionSpace: Space;
  readonly maxEpisodeSteps: number;
  readonly snapshot?: () => EnvSnapshot;
  readonly restore?: (snapshot: EnvSnapshot) => ResetResult;

  readonly cameras?: readonly string[];
  readonly openView?: (options: RenderOptions) => View;

  readonly #env: Env;
  readonly #result = new TimeLimitResult();
  #elapsed = 0;

  constructor(env: Env, limit: number) {
    this.id = env.id;
    this.observationSpace = env.observationSpace;
    this.actionSpace = env.actionSpace;
    this.maxEpisodeSteps = Math.min(limit, env.maxEpisodeSteps);
    this.#env = env;
    if (env.cameras) this.cameras = env.cameras;
    if (env.openView) this.openView = env.openView.bind(env);
    if (env.snapshot && env.restore) {
      this.snapshot = () => ({ elapsed: this.#elapsed, env: env.snapshot?.() });
      this.restore = (snapshot) => this.#restore(snapshot);
    }
  }

  reset(options?: ResetOptions): ResetResult {
    this.#elapsed = 0;
    return this.#env.reset(options);
  }

  step(action: ArrayLike<number>): StepResult {
    const inner = this.#env.step(action);
    this.#elapsed++;
    const result = this.#result;
    result.observation = inner.observation;
    result.reward = inner.reward;
    result.terminated = inner.terminated;
    result.truncated = inner.truncated || this.#elapsed >= this.maxEpisodeSteps;
    result.info = inner.info;
    return result;
  }

  close(): void {
    this.#env.close();
  }

  #restore(snapshot: EnvSnapshot): ResetResult {
    const parsed = snapshotSchema.safeParse(snapshot);
    if (!parsed.success || !this.#env.restore) {
      throw new RunError("CHECKPOINT_INCOMPATIBLE", `no snapshot of ${this.id} with a time limit`);
    }
    const result = this.#env.restore(parsed.data.env);
    this.#elapsed = parsed.data.elapsed;
    return result;
  }
}
