/**
 * Question: what does the `Env` interface cost on top of the physics?
 *
 * HalfCheetah-v5 is stepped through `Env` (time limit, observation, reward, guard included) and by bare
 * `mj_step` calls in the same wasm instance, with the same actions and start states, an episode being
 * 1000 steps. Runs alternate; the ratio is that of the medians.
 *
 *     npx tsc -p bench && taskset -c 0 node bench/dist/bench/env.js [runs] [steps]
 */
import { randomActions, runSteps } from "../src/envs/benchmark.ts";
import type { Env } from "../src/envs/env.ts";
import { halfCheetah } from "../src/envs/gymnasium/half-cheetah.ts";
import { Simulation } from "../src/envs/mujoco/engine.ts";
import { mujocoRuntime } from "../src/envs/mujoco/module.ts";
import { makeEnv } from "../src/envs/registry.ts";
import { RandomStream } from "../src/math/random.ts";

const FRAME_SKIP = 5;
const EPISODE_STEPS = 1000;
const START = {
  qpos: [0, 0.05, -0.02, 0.03, -0.04, 0.05, -0.06, 0.07, -0.08],
  qvel: [0.1, -0.1, 0.05, 0, 0.02, -0.03, 0.04, -0.05, 0.06],
};

type Run = (steps: number) => void;

async function bareStepping(actions: readonly Float32Array[]): Promise<Run> {
  const { module } = await mujocoRuntime();
  const { mj_step, mj_resetData, mj_forward } = module;
  const { model, data } = await Simulation.fromMjcf(halfCheetah.mjcf);
  const ctrl: Float64Array = data.ctrl;
  const qpos: Float64Array = data.qpos;
  const qvel: Float64Array = data.qvel;
  const reset = () => {
    mj_resetData(model, data);
    qpos.set(START.qpos);
    qvel.set(START.qvel);
    mj_forward(model, data);
  };
  return (steps) => {
    for (let i = 0; i < steps; i++) {
      if (i % EPISODE_STEPS === 0) reset();
      const action = actions[i % actions.length]!;
      for (let j = 0; j < 6; j++) ctrl[j] = action[j]!;
      for (let j = 0; j < FRAME_SKIP; j++) mj_step(model, data);
    }
  };
}

function secondsOf(run: Run, steps: number): number {
  const start = performance.now();
  run(steps);
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function main(runs: number, steps: number): Promise<void> {
  // Both heaps exist before any view is taken: no run meets a moved heap.
  const env: Env = await makeEnv(halfCheetah.id);
  const actions = randomActions(env.actionSpace, RandomStream.derive(0, "actions"));
  const bare = await bareStepping(actions);
  const throughEnv: Run = (count) => runSteps(env, actions, { steps: count, state: START });
  const seconds = { bare: [] as number[], env: [] as number[] };
  bare(steps);
  throughEnv(steps);
  for (let i = 0; i < runs; i++) {
    const order = i % 2 === 0 ? (["bare", "env"] as const) : (["env", "bare"] as const);
    for (const which of order) {
      seconds[which].push(secondsOf(which === "bare" ? bare : throughEnv, steps));
    }
  }
  const report = {
    benchmark: "env",
    env: halfCheetah.id,
    node: process.versions.node,
    runs,
    steps_per_run: steps,
    bare_steps_per_second: Math.round(steps / median(seconds.bare)),
    env_steps_per_second: Math.round(steps / median(seconds.env)),
    ratio: median(seconds.bare) / median(seconds.env),
    ratio_of_fastest: Math.min(...seconds.bare) / Math.min(...seconds.env),
    target_ratio: 0.85,
    seconds,
  };
  console.log(JSON.stringify(report, null, 2));
  env.close();
}

const [runs = 15, steps = 10_000] = process.argv.slice(2).map(Number);
await main(runs, steps);
