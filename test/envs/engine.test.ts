import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { halfCheetah } from "../../src/envs/gymnasium/half-cheetah.ts";
import { walker2d } from "../../src/envs/gymnasium/walker2d.ts";
import { Simulation } from "../../src/envs/mujoco/engine.ts";

const open: Simulation[] = [];
afterEach(() => {
  for (const simulation of open.splice(0)) simulation.close();
});

async function simulate(mjcf: string = halfCheetah.mjcf): Promise<Simulation> {
  const simulation = await Simulation.fromMjcf(mjcf);
  open.push(simulation);
  simulation.reset();
  simulation.forward();
  return simulation;
}

/** Spheres that fall into each other: more contacts than a small arena holds. */
function crowd(memory: string): string {
  const ball = '<body pos="0 0 0.1"><freejoint/><geom size="0.1"/></body>';
  return `<mujoco><size memory="${memory}"/><worldbody>${ball.repeat(12)}</worldbody></mujoco>`;
}

describe("Simulation", () => {
  test("advances the clock by exactly the timesteps asked for", async () => {
    const simulation = await simulate();
    expect(simulation.step(3)).toBeNull();
    expect(simulation.time).toBe(0.01 + 0.01 + 0.01);
  });

  test("keeps working when other simulations have moved the heap", async () => {
    const simulation = await simulate();
    const before = simulation.qpos.buffer.byteLength;
    const stale = simulation.qpos;
    while (stale.length > 0) await simulate();
    expect(simulation.step(1)).toBeNull();
    expect(simulation.qpos).toHaveLength(9);
    expect(simulation.qpos.buffer.byteLength).toBeGreaterThan(before);
    const fresh = await simulate();
    fresh.step(1);
    expect([...simulation.qpos]).toEqual([...fresh.qpos]);
  });

  test("holds 64 walkers in 64 MiB", async () => {
    for (let i = 0; i < 64; i++) await simulate(walker2d.mjcf);
    for (const simulation of open) expect(simulation.step(4)).toBeNull();
    expect(open[0]!.qpos.buffer.byteLength).toBeLessThan(64 * 2 ** 20);
  });

  test("gives its memory back when closed, even twice", async () => {
    const cycle = async () => {
      const simulation = await Simulation.fromMjcf(halfCheetah.mjcf);
      simulation.step(1);
      const heap = simulation.qpos.buffer.byteLength;
      simulation.close();
      simulation.close();
      return heap;
    };
    const heap = await cycle();
    let last = heap;
    for (let i = 0; i < 40; i++) last = await cycle();
    expect(last).toBe(heap);
  });

  test("says why a text is no model, and stays usable", async () => {
    for (let i = 0; i < 20; i++) await Simulation.fromMjcf("<mujoco>").catch(() => null);
    await expect(
      Simulation.fromMjcf('<mujoco><worldbody><body nam="a"/></worldbody></mujoco>'),
    ).rejects.toMatchObject({
      code: "ENV_FAILED",
      message: expect.stringContaining("unrecognized attribute"),
    });
    expect((await simulate()).step(1)).toBeNull();
  });

  describe("continues bit for bit from a saved state", () => {
    test.for(["same", "another"])("in the %s simulation", async (where) => {
      const simulation = await simulate();
      simulation.ctrl.set([1, -1, 0.5, -0.5, 0.25, -0.25]);
      simulation.step(100);
      const saved = simulation.saveState();
      simulation.step(100);
      const expected = [...simulation.qpos, ...simulation.qvel, simulation.time];
      const target = where === "same" ? simulation : await simulate();
      target.loadState(saved);
      target.step(100);
      expect([...target.qpos, ...target.qvel, target.time]).toEqual(expected);
    });

    test("and refuses another model's", async () => {
      const walker = await simulate(walker2d.mjcf);
      const crowded = await simulate(crowd("512K"));
      expect(() => walker.loadState(crowded.saveState())).toThrow(RangeError);
    });
  });

  describe("reports", () => {
    test.for([0, 2.5])("divergence within a step from time %d", async (time) => {
      const simulation = await simulate();
      simulation.time = time;
      simulation.qvel[3] = 5e9;
      expect(simulation.step(5)).toMatch(/became NaN, infinite or huge/);
      simulation.reset();
      simulation.forward();
      expect(simulation.step(5)).toBeNull();
    });

    test("divergence in the very last timestep", async () => {
      const simulation = await simulate();
      // 0.01 s later the position is beyond the bound, which the engine would notice one step later.
      simulation.time = 1;
      simulation.qpos[0] = 9.99e9;
      simulation.qvel[0] = 9.9e9;
      expect(simulation.step(1)).toMatch(/position became/);
    });

    test("a control that is NaN", async () => {
      const simulation = await simulate();
      simulation.ctrl[2] = Number.NaN;
      expect(simulation.step(5)).toMatch(/control is NaN, infinite or huge \(index 2\)/);
    });

    test("contacts or constraints dropped for want of memory", async () => {
      const roomy = await simulate(crowd("512K"));
      expect(roomy.step(1)).toBeNull();
      const tight = await simulate(crowd("32K"));
      expect(tight.step(1)).toMatch(/contacts were dropped/);
      const tighter = await simulate(crowd("64K"));
      expect(tighter.step(1)).toMatch(/constraints were dropped/);
    });

    test("engine errors, any number of them without harm", async () => {
      const simulation = await simulate(crowd("8K"));
      for (let i = 0; i < 50; i++) {
        simulation.reset();
        expect(simulation.forward()).toMatch(/stack overflow/);
        expect(simulation.step(1)).toMatch(/stack overflow/);
      }
      expect((await simulate()).step(5)).toBeNull();
    });

    test("whatever the state, or leaves finite numbers", async () => {
      const simulation = await simulate();
      const magnitude = fc.double({ min: -1e10, max: 1e10, noNaN: true });
      const vector = fc.array(magnitude, { minLength: 9, maxLength: 9 });
      fc.assert(
        fc.property(vector, vector, fc.constantFrom(0, 1), (qpos, qvel, time) => {
          simulation.reset();
          simulation.qpos.set(qpos);
          simulation.qvel.set(qvel);
          simulation.time = time;
          const failure = simulation.step(5);
          if (failure !== null) return;
          for (const value of [...simulation.qpos, ...simulation.qvel]) {
            expect(Math.abs(value)).toBeLessThanOrEqual(1e10);
          }
          expect(simulation.time).toBeCloseTo(time + 0.05, 12);
          expect(simulation.warning()).toBeNull();
        }),
      );
    });
  });
});
