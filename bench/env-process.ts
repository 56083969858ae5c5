/**
 * A part of `env.ts`: one measurement in a process of its own, printed as JSON.
 *
 *     node bench/dist/bench/env-process.js steps [steps] | bare [steps] | threads [steps] | memory [environments]
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { randomActions, runSteps } from "../src/envs/benchmark.ts";
import { halfCheetah } from "../src/envs/gymnasium/half-cheetah.ts";
import { Simulation } from "../src/envs/mujoco/engine.ts";
import { mujocoRuntime } from "../src/envs/mujoco/module.ts";
import { makeEnv } from "../src/envs/registry.ts";
import { RandomStream } from "../src/math/random.ts";
import { median } from "./results.ts";

/** Those that the peer steps. */
const TASKS = ["HalfCheetah-v5", "Hopper-v5", "Walker2d-v5", "Ant-v5", "Humanoid-v5"];

/** Time until V8 has optimised what a task calls, on one core that does the compiling too. */
const WARM_UP_MS = 750;

type Run = (steps: number) => void;

function secondsOf(run: Run, steps: number): number {
  const start = performance.now();
  run(steps);
  return (performance.now() - start) / 1000;
}

function warmUp(run: Run): void {
  const start = performance.now();
  while (performance.now() - start < WARM_UP_MS) run(100);
}

async function stepping(id: string): Promise<Run> {
  const env = await makeEnv(id);
  const actions = randomActions(env.actionSpace, RandomStream.derive(0, "actions"), 256);
  env.reset({ seed: 0 });
  return (steps) => runSteps(env, actions, { steps });
}

/** `env.step()` per second of each task under random actions, resets included, as the peer does it. */
async function measureSteps(steps: number) {
  const rates: Record<string, number> = {};
  for (const id of TASKS) {
    const run = await stepping(id);
    warmUp(run);
    rates[id] = steps / secondsOf(run, steps);
  }
  return rates;
}

const EPISODE_STEPS = 1000;
const START = {
  qpos: [0, 0.05, -0.02, 0.03, -0.04, 0.05, -0.06, 0.07, -0.08],
  qvel: [0.1, -0.1, 0.05, 0, 0.02, -0.03, 0.04, -0.05, 0.06],
};

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
      for (let j = 0; j < 5; j++) mj_step(model, data);
    }
  };
}

/** HalfCheetah through `Env` beside bare `mj_step` calls, same actions and starts, taking turns. */
async function measureBare(steps: number) {
  // Both heaps exist before any view is taken: no run meets a moved heap.
  const env = await makeEnv(halfCheetah.id);
  const actions = randomActions(env.actionSpace, RandomStream.derive(0, "actions"));
  const bare = await bareStepping(actions);
  const runs = {
    bare,
    env: (count: number) => runSteps(env, actions, { steps: count, state: START }),
  };
  const seconds = { bare: [] as number[], env: [] as number[] };
  warmUp(bare);
  warmUp(runs.env);
  for (let i = 0; i < 15; i++) {
    for (const which of i % 2 === 0 ? (["bare", "env"] as const) : (["env", "bare"] as const)) {
      seconds[which].push(secondsOf(runs[which], steps));
    }
  }
  return {
    bare_steps_per_second: Math.round(steps / median(seconds.bare)),
    env_steps_per_second: Math.round(steps / median(seconds.env)),
    ratio: median(seconds.bare) / median(seconds.env),
    target: 0.85,
  };
}

/** Environment steps per second of HalfCheetah on `threads` threads together. */
async function rateOf(threads: number, steps: number): Promise<number> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const workers = Array.from(
    { length: threads },
    () => new Worker(fileURLToPath(import.meta.url), { workerData: { gate, steps } }),
  );
  const messages = (): Promise<number[]> =>
    Promise.all(
      workers.map(
        (worker) =>
          new Promise<number>((resolve, reject) => {
            worker.once("message", resolve).once("error", reject);
          }),
      ),
    );
  await messages();
  const start = performance.now();
  const done = messages();
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  await done;
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return (threads * steps) / seconds;
}

async function measureThreads(steps: number) {
  const rates = { one: [] as number[], two: [] as number[] };
  for (let i = 0; i < 5; i++) {
    rates.one.push(await rateOf(1, steps));
    rates.two.push(await rateOf(2, steps));
  }
  return {
    one: median(rates.one),
    two: median(rates.two),
    ratio: median(rates.two) / median(rates.one),
  };
}

async function runThread({ gate, steps }: { gate: Int32Array; steps: number }): Promise<void> {
  const run = await stepping("HalfCheetah-v5");
  warmUp(run);
  parentPort?.postMessage(0);
  Atomics.wait(gate, 0, 0);
  run(steps);
  parentPort?.postMessage(0);
}

/** Most memory the process has held after making and stepping that many Humanoids. */
async function measureMemory(count: number) {
  const runs: Run[] = [];
  for (let i = 0; i < count; i++) runs.push(await stepping("Humanoid-v5"));
  for (const run of runs) run(50);
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return { environments: count, peak_resident_megabytes: (Number(peak) * 1024) / 1e6 };
}

const measurements: Readonly<Record<string, (size: number) => Promise<object>>> = {
  steps: measureSteps,
  bare: measureBare,
  threads: measureThreads,
  memory: measureMemory,
};

if (isMainThread) {
  const [what = "", size = ""] = process.argv.slice(2);
  const measure = measurements[what];
  if (!measure) throw new Error(`one of ${Object.keys(measurements).join(", ")}, not "${what}"`);
  console.log(JSON.stringify(await measure(Number(size))));
} else {
  await runThread(workerData as { gate: Int32Array; steps: number });
}
