import { afterEach, describe, expect, test } from "vitest";
import type { Env } from "../../src/envs/env.ts";
import { makeEnv } from "../../src/envs/registry.ts";
import { physicsState } from "./fixtures.ts";

const open: Env[] = [];
afterEach(() => {
  for (const env of open.splice(0)) env.close();
});

/** [qpos, qvel] of 200 starts. */
async function startsOf(id: string, nq: number, nv: number): Promise<[number[], number[]][]> {
  const env = await makeEnv(id);
  open.push(env);
  env.reset({ seed: 0 });
  return Array.from({ length: 200 }, () => {
    env.reset();
    const state = physicsState(env);
    return [[...state.subarray(1, 1 + nq)], [...state.subarray(1 + nq, 1 + nq + nv)]];
  });
}

/** The least and the greatest of all. */
function span(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** Expects uniform noise of +-`scale` around `centre`: none outside, and some near both ends. */
function expectUniform(values: readonly number[], centre: number, scale: number): void {
  const [low, high] = span(values.map((value) => value - centre));
  expect(low).toBeGreaterThanOrEqual(-scale - 1e-12);
  expect(low).toBeLessThan(-0.9 * scale);
  expect(high).toBeLessThan(scale + 1e-12);
  expect(high).toBeGreaterThan(0.9 * scale);
}

function deviation(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
}

describe("the start of", () => {
  test("Ant-v5 is uniform in every position, the quaternion too, and normal in velocities", async () => {
    const starts = await startsOf("Ant-v5", 15, 14);
    for (const [i, centre] of [0, 0, 0.75, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].entries()) {
      const values = starts.map(([qpos]) => qpos[i]!);
      expectUniform(values, centre, 0.1);
    }
    const velocities = starts.flatMap(([, qvel]) => qvel);
    expect(span(velocities)[1]).toBeGreaterThan(0.2);
    expect(deviation(velocities)).toBeCloseTo(0.1, 2);
  });

  test.for([
    ["Humanoid-v5", 1.4],
    ["HumanoidStandup-v5", 0.105],
  ] as const)("%s is uniform within 0.01", async ([id, z]) => {
    const starts = await startsOf(id, 24, 23);
    const centres = [0, 0, z, 1];
    for (let i = 0; i < 24; i++) {
      const values = starts.map(([qpos]) => qpos[i]!);
      expectUniform(values, centres[i] ?? 0, 0.01);
    }
    expectUniform(
      starts.flatMap(([, qvel]) => qvel),
      0,
      0.01,
    );
  });

  test("InvertedDoublePendulum-v5 has normal velocities", async () => {
    const starts = await startsOf("InvertedDoublePendulum-v5", 3, 3);
    const positions = starts.flatMap(([qpos]) => qpos);
    expectUniform(positions, 0, 0.1);
    // 600 draws: three standard errors of the deviation are 0.009.
    expect(Math.abs(deviation(starts.flatMap(([, qvel]) => qvel)) - 0.1)).toBeLessThan(0.009);
  });

  test("Reacher-v5 has a target at rest within 0.2 m of the centre", async () => {
    const starts = await startsOf("Reacher-v5", 4, 4);
    const radii = starts.map(([qpos]) => Math.hypot(qpos[2]!, qpos[3]!));
    expect(span(radii)[1]).toBeLessThan(0.2);
    expect(span(radii)[1]).toBeGreaterThan(0.18);
    const arm = starts.flatMap(([qpos]) => qpos.slice(0, 2));
    expectUniform(arm, 0, 0.1);
    for (const [, qvel] of starts) expect(qvel.slice(2)).toEqual([0, 0]);
    expectUniform(
      starts.flatMap(([, qvel]) => qvel.slice(0, 2)),
      0,
      0.005,
    );
  });

  test("Pusher-v5 has the object beside the goal and the arm at its reference", async () => {
    const starts = await startsOf("Pusher-v5", 11, 11);
    for (const [qpos, qvel] of starts) {
      expect([...qpos.slice(0, 7), ...qpos.slice(9)]).toEqual(Array(9).fill(0));
      expect(Math.hypot(qpos[7]!, qpos[8]!)).toBeGreaterThan(0.17);
      expect(qvel.slice(7)).toEqual([0, 0, 0, 0]);
    }
    const y = starts.map(([qpos]) => qpos[7]!);
    const x = starts.map(([qpos]) => qpos[8]!);
    expectUniform(y, -0.15, 0.15);
    expectUniform(x, 0, 0.2);
  });
});
