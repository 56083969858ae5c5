import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Env, Observation } from "../../src/envs/env.ts";
import { pointMassBestReturn } from "../../src/envs/point-mass.ts";
import { makeEnv } from "../../src/envs/registry.ts";

function returnOf(env: Env, start: number[], act: (p: Observation, t: number) => number[]): number {
  let observation = env.reset({ state: { qpos: start } }).observation;
  let sum = 0;
  for (let t = 0; ; t++) {
    const result = env.step(act(observation, t));
    observation = result.observation;
    sum += result.reward;
    if (result.truncated) return sum;
  }
}

const coordinate = fc.double({ min: -1, max: 1, noNaN: true });
const point = fc.array(coordinate, { minLength: 2, maxLength: 2 });

describe("PointMass-v0", () => {
  test("gives its best return to the policy that goes straight to the origin", async () => {
    const env = await makeEnv("PointMass-v0");
    fc.assert(
      fc.property(point, (start) => {
        const straight = returnOf(env, start, (p) => [...p].map((x) => -x / 0.25));
        expect(straight).toBeCloseTo(pointMassBestReturn(start, 20), 10);
      }),
    );
  });

  test("gives no policy more", async () => {
    const env = await makeEnv("PointMass-v0");
    const plan = fc.array(point, { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(point, plan, (start, actions) => {
        const actual = returnOf(env, start, (_, t) => actions[t]!);
        expect(actual).toBeLessThanOrEqual(pointMassBestReturn(start, 20) + 1e-12);
      }),
    );
  });
});
