import { afterEach, describe, expect, test } from "vitest";
import { checkEnvironment } from "../../../src/envs/check/check-environment.ts";
import type { Finding } from "../../../src/envs/check/finding.ts";
import type { Env, EnvSnapshot, ResetOptions, StepResult } from "../../../src/envs/env.ts";
import { makeEnv } from "../../../src/envs/registry.ts";
import { RandomStream } from "../../../src/math/random.ts";

const box = (low: number, high: number, size = 1) =>
  ({
    kind: "box",
    size,
    low: new Float32Array(size).fill(low),
    high: new Float32Array(size).fill(high),
  }) as const;

/** A point on a line that is pushed about: nothing is wrong with it. */
class Sound implements Env {
  readonly id: string = "Sound";
  observationSpace: Env["observationSpace"] = box(-2, 2);
  actionSpace: Env["actionSpace"] = box(-1, 1);
  maxEpisodeSteps = 20;
  random = RandomStream.derive(0, "env");
  x = 0;
  t = 0;

  reset({ seed }: ResetOptions = {}) {
    if (seed !== undefined) this.random = RandomStream.derive(seed, "env");
    this.x = this.random.uniformBetween(-1, 1);
    this.t = 0;
    return { observation: this.observe(), info: {} };
  }

  observe(): Float64Array {
    return Float64Array.of(this.x);
  }

  step(action: ArrayLike<number>): StepResult {
    if (action.length !== 1) throw new Error("one number");
    this.t += 1;
    this.x = Math.max(-2, Math.min(2, this.x + 0.1 * action[0]! + 0.01 * this.random.normal()));
    const truncated = this.t === this.maxEpisodeSteps;
    return { observation: this.observe(), reward: -this.x, terminated: false, truncated, info: {} };
  }

  snapshot(): EnvSnapshot {
    return { x: this.x, t: this.t, random: this.random.state() };
  }

  restore(saved: EnvSnapshot) {
    this.x = saved["x"] as number;
    this.t = saved["t"] as number;
    this.random = RandomStream.fromState(saved["random"] as never);
    return { observation: this.observe(), info: {} };
  }

  close(): void {}
}

async function check(make: () => Env | Promise<Env>, options = {}): Promise<readonly Finding[]> {
  const settings = { name: "Sound", steps: 400, seconds: 20, ...options };
  const { findings, ok } = await checkEnvironment(async () => make(), settings);
  expect(ok).toBe(findings.every(({ severity }) => severity !== "error"));
  return findings;
}

const leaked: unknown[] = [];
const timers: NodeJS.Timeout[] = [];
afterEach(() => {
  leaked.length = 0;
  for (const timer of timers.splice(0)) clearTimeout(timer);
});
let shared = 0;
const common = { x: 0 };
const buffer = new Float64Array(1);

/** What is wrong, how it is, and the finding. */
const faults: Readonly<Record<string, readonly [() => Env, Partial<Finding>]>> = {
  "a NaN reward": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          const result = super.step(action);
          return this.t === 7
            ? { ...result, reward: Number.NaN, info: { push: Number.NaN } }
            : result;
        }
      })(),
    {
      severity: "error",
      check: "results",
      what: "step gives reward NaN (push NaN)",
      where: { seed: 1, step: 7 },
    },
  ],
  "an observation of another length": [
    () =>
      new (class extends Sound {
        override observe() {
          return this.t === 3 ? new Float64Array(2) : super.observe();
        }
      })(),
    {
      check: "results",
      what: "step gives an observation of 2 numbers instead of 1",
      where: { seed: 1, step: 3 },
    },
  ],
  "an observation of another type": [
    () =>
      new (class extends Sound {
        override observe() {
          return [this.x] as never;
        }
      })(),
    { check: "results", what: "reset gives an observation that is a Array" },
  ],
  "an observation outside of its space": [
    () =>
      new (class extends Sound {
        override observationSpace = box(-0.5, 0.5);
      })(),
    {
      severity: "error",
      check: "results",
      what: expect.stringMatching(/outside of its space \[-0\.5, 0\.5\]/),
    },
  ],
  "a step that throws": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          if (this.t === 11) throw new Error("out of tune");
          return super.step(action);
        }
      })(),
    {
      severity: "error",
      check: "calls",
      what: expect.stringContaining("step threw: out of tune"),
      where: { seed: 1, step: 12 },
    },
  ],
  "an async step": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          return Promise.resolve(super.step(action)) as never;
        }
      })(),
    {
      severity: "error",
      check: "calls",
      what: "step gives a promise instead of a result (it cannot be async)",
      where: { seed: 1, step: 1 },
    },
  ],
  "an async reset": [
    () =>
      new (class extends Sound {
        override reset(options?: ResetOptions) {
          return Promise.resolve(super.reset(options)) as never;
        }
      })(),
    { check: "calls", what: "reset gives a promise instead of a result (it cannot be async)" },
  ],
  "a result as Gymnasium gives it": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          return Object.values(super.step(action)) as never;
        }
      })(),
    {
      check: "calls",
      what: "step gives a list instead of a result by names (observation, reward, …)",
    },
  ],
  "no result": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          return this.t === 3 ? (null as never) : super.step(action);
        }
      })(),
    { check: "calls", what: "step gives null instead of a result", where: { seed: 1, step: 4 } },
  ],
  "no info": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          const { info: _, ...result } = super.step(action);
          return result as never;
        }
      })(),
    { severity: "warning", check: "results", what: "step gives info undefined" },
  ],
  "the same instance every time": [
    (
      (one) => () =>
        one
    )(new Sound()),
    { severity: "error", check: "independence", what: expect.stringContaining("same environment") },
  ],
  "state that instances share": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          const result = super.step(action);
          common.x = 0.5 * common.x + result.reward;
          return { ...result, reward: result.reward + 0.1 * common.x };
        }
        override reset(options?: ResetOptions) {
          common.x = 0;
          return super.reset(options);
        }
        override snapshot() {
          return { ...super.snapshot(), common: common.x };
        }
        override restore(saved: EnvSnapshot) {
          common.x = saved["common"] as number;
          return super.restore(saved);
        }
      })(),
    {
      severity: "error",
      check: "independence",
      what: expect.stringContaining("steps of another instance change what follows"),
    },
  ],
  "a changed action": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          (action as Float32Array)[0] = 0;
          return super.step(action);
        }
      })(),
    { check: "results", what: "step changes the action it is given" },
  ],
  "no end": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          return { ...super.step(action), truncated: false };
        }
      })(),
    { severity: "error", check: "results", what: "an episode has not ended in 20 steps" },
  ],
  "random numbers of its own": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          this.x += 0.001 * Math.random();
          return super.step(action);
        }
      })(),
    { severity: "error", check: "determinism", where: { seed: 7, step: 1 } },
  ],
  "a reset that keeps something of the last episode": [
    () =>
      new (class extends Sound {
        drift = 0;
        override step(action: ArrayLike<number>) {
          this.drift = this.x;
          return super.step(action);
        }
        override observe() {
          return Float64Array.of(this.x + 1e-9 * this.drift);
        }
      })(),
    { severity: "error", check: "determinism", where: { seed: 7, step: 0 } },
  ],
  "something shared by its instances": [
    () =>
      new (class extends Sound {
        override observe() {
          buffer[0] = this.x;
          return buffer;
        }
      })(),
    { severity: "error", check: "independence" },
  ],
  "state shared by its instances": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          shared += 1e-6;
          this.x += shared;
          return super.step(action);
        }
      })(),
    { severity: "error", check: "determinism" },
  ],
  "a seed that does not go on": [
    () =>
      new (class extends Sound {
        override reset(options: ResetOptions = {}) {
          this.random = RandomStream.derive(options.seed ?? 7, "env");
          return super.reset(options);
        }
      })(),
    {
      severity: "warning",
      check: "seeds",
      what: "a reset without a seed starts the same episode again",
    },
  ],
  "a snapshot without the random stream": [
    () =>
      new (class extends Sound {
        override restore(saved: EnvSnapshot) {
          return super.restore({ ...saved, random: RandomStream.derive(1, "x").state() });
        }
      })(),
    {
      severity: "error",
      check: "snapshot",
      what: expect.stringContaining("it goes on differently"),
    },
  ],
  "a snapshot that draws": [
    () =>
      new (class extends Sound {
        override snapshot() {
          this.random.uniform();
          return super.snapshot();
        }
      })(),
    {
      severity: "error",
      check: "snapshot",
      what: expect.stringContaining("snapshot() changes what follows"),
    },
  ],
  "a leak": [
    () =>
      new (class extends Sound {
        override reset(options: ResetOptions = {}) {
          leaked.push(new Float64Array(2000));
          return super.reset(options);
        }
      })(),
    {
      severity: "error",
      check: "memory",
      what: expect.stringMatching(/\d kB stay after every reset/),
    },
  ],
  "a leak beside something large that is let go of": [
    () =>
      new (class extends Sound {
        large: Float64Array | null = new Float64Array(1e6);
        resets = 0;
        override reset(options: ResetOptions = {}) {
          leaked.push(new Float64Array(2000));
          this.resets += 1;
          if (this.resets === 180) this.large = null;
          return super.reset(options);
        }
      })(),
    {
      severity: "error",
      check: "memory",
      what: expect.stringMatching(/\d kB stay after every reset/),
    },
  ],
  "timers that are left": [
    () =>
      new (class extends Sound {
        override reset(options: ResetOptions = {}) {
          timers.push(setTimeout(() => undefined, 1e6));
          return super.reset(options);
        }
      })(),
    {
      severity: "error",
      check: "memory",
      what: expect.stringContaining("timers, files or sockets"),
    },
  ],
  "unbounded actions": [
    () =>
      new (class extends Sound {
        override actionSpace = box(-Infinity, Infinity);
      })(),
    { severity: "error", check: "spaces", what: "action 0 is bounded by [-Infinity, Infinity]" },
  ],
  "discrete actions": [
    () =>
      new (class extends Sound {
        override actionSpace = { kind: "discrete", count: 3 } as const;
      })(),
    { severity: "error", check: "spaces", what: "3 discrete actions" },
  ],
  "a huge reward": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          return { ...super.step(action), reward: 1e6 };
        }
      })(),
    { severity: "warning", check: "results", what: "reward 1000000" },
  ],
  "a close that throws": [
    () =>
      new (class extends Sound {
        override close() {
          throw new Error("stuck");
        }
      })(),
    { severity: "warning", check: "calls", what: expect.stringContaining("close threw: stuck") },
  ],
  "actions of any length": [
    () =>
      new (class extends Sound {
        override step(action: ArrayLike<number>) {
          return super.step([action[0]!]);
        }
      })(),
    { severity: "note", check: "actions" },
  ],
};

describe("checkEnvironment", () => {
  test("finds nothing in an environment that is as it should be", async () => {
    expect(await check(() => new Sound())).toEqual([]);
  });

  test.for(["InvertedPendulum-v5", "PointMass-v0", "dm_control/cartpole-swingup"])(
    "finds nothing in %s",
    { timeout: 60_000 },
    async (id) => {
      expect(await check(() => makeEnv(id))).toEqual([]);
    },
  );

  test.for(Object.entries(faults))("finds %s", { timeout: 60_000 }, async ([, [make, finding]]) => {
    const findings = await check(make);
    expect(findings).toContainEqual(expect.objectContaining(finding));
    for (const { fix } of findings) expect(fix).not.toBe("");
  });

  test("keeps to its time, whatever a step costs", { timeout: 60_000 }, async () => {
    class Slow extends Sound {
      override step(action: ArrayLike<number>) {
        const end = performance.now() + 3;
        while (performance.now() < end);
        return super.step(action);
      }
    }
    const start = performance.now();
    await check(() => new Slow(), { steps: 100_000, seconds: 1 });
    // The steps alone would take five minutes.
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});
