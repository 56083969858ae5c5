import { RandomStream } from "../math/random.ts";
import type { Env, Space, StartState } from "./env.ts";
import { makeEnv } from "./registry.ts";

export interface EnvBenchmark {
  readonly env: string;
  readonly steps: number;
  readonly seconds: number;
  readonly stepsPerSecond: number;
}

export interface EnvBenchmarkOptions {
  /** Measured steps, after a tenth of as many for warming up. */
  readonly steps?: number;
  readonly seed?: number;
  readonly envOptions?: Readonly<Record<string, unknown>>;
}

/** Steps a registered environment with random actions in this thread, resets included. */
export async function benchmarkEnv(
  id: string,
  { steps = 10_000, seed = 0, envOptions }: EnvBenchmarkOptions = {},
): Promise<EnvBenchmark> {
  const env = await makeEnv(id, envOptions);
  try {
    const actions = randomActions(env.actionSpace, RandomStream.derive(seed, "actions"));
    env.reset({ seed });
    runSteps(env, actions, { steps: Math.ceil(steps / 10) });
    const start = performance.now();
    runSteps(env, actions, { steps });
    const seconds = (performance.now() - start) / 1000;
    return { env: id, steps, seconds, stepsPerSecond: steps / seconds };
  } finally {
    env.close();
  }
}

/** A cycle of actions, drawn beforehand so that drawing them is not measured. */
export function randomActions(space: Space, random: RandomStream, count = 1024): Float32Array[] {
  if (space.kind === "discrete") {
    return Array.from({ length: count }, () => Float32Array.of(random.integer(space.count)));
  }
  return Array.from({ length: count }, () =>
    space.low.map((low, i) => random.uniformBetween(low, space.high[i] ?? low)),
  );
}

export interface StepRun {
  readonly steps: number;
  /** Where episodes start; the environment draws it when absent. */
  readonly state?: StartState;
}

/** Steps through the cycle of actions, starting an episode whenever one ends. */
export function runSteps(env: Env, actions: readonly Float32Array[], run: StepRun): void {
  const { steps, state } = run;
  const options = state ? { state } : {};
  env.reset(options);
  let next = 0;
  for (let i = 0; i < steps; i++) {
    const action = actions[next];
    if (!action) throw new RangeError("no actions");
    next = next + 1 < actions.length ? next + 1 : 0;
    const result = env.step(action);
    if (result.terminated || result.truncated) env.reset(options);
  }
}
