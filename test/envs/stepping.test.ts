import { afterEach, describe, expect, test } from "vitest";
import { Simulation } from "../../src/envs/mujoco/engine.ts";
import {
  plainStepping,
  type Stepping,
  synchronisedStepping,
} from "../../src/envs/mujoco/stepping.ts";

/** A pendulum on a spring, driven by an actuator with a bias: it pulls even under no control. */
function pendulum(integrator: string): string {
  return `<mujoco><option timestep="0.01" integrator="${integrator}"/><size memory="512K"/><worldbody>
    <body name="arm"><joint name="hinge" type="hinge" axis="0 1 0" damping="0.1"/>
    <geom type="capsule" fromto="0 0 0 0 0 1" size="0.05"/></body></worldbody>
    <actuator><position joint="hinge" kp="3" ctrlrange="-1 1"/></actuator></mujoco>`;
}

const open: Simulation[] = [];
afterEach(() => {
  for (const simulation of open.splice(0)) simulation.close();
});

async function start(stepping: Stepping, integrator = "Euler"): Promise<Simulation> {
  const simulation = await Simulation.fromMjcf(pendulum(integrator));
  open.push(simulation);
  simulation.reset();
  expect(stepping.prepare(simulation)).toBeNull();
  simulation.qpos[0] = 1;
  expect(stepping.settle(simulation)).toBeNull();
  simulation.ctrl[0] = -0.5;
  return simulation;
}

/** Angle that the derived rotation matrix of the arm tells. */
function derivedAngle(simulation: Simulation): number {
  const rotations: Float64Array = simulation.data.xmat;
  return Math.atan2(rotations[9 + 2]!, rotations[9 + 8]!);
}

describe("synchronised stepping", () => {
  test.for(["Euler", "RK4", "implicitfast"])(
    "moves as plain stepping does with %s, and derives from the new state",
    async (integrator) => {
      const plain = await start(plainStepping, integrator);
      const synchronised = await start(synchronisedStepping, integrator);
      for (const timesteps of [1, 4, 1, 3]) {
        expect(plainStepping.step(plain, timesteps)).toBeNull();
        expect(synchronisedStepping.step(synchronised, timesteps)).toBeNull();
        const state = [...plain.qpos, ...plain.qvel, plain.time];
        expect([...synchronised.qpos, ...synchronised.qvel, synchronised.time]).toEqual(state);
        expect(derivedAngle(synchronised)).toBeCloseTo(synchronised.qpos[0]!, 14);
        expect(derivedAngle(plain)).not.toBeCloseTo(plain.qpos[0]!, 14);
      }
    },
  );

  test("starts an episode with its actuators off, and only that", async () => {
    const simulation = await start(synchronisedStepping);
    expect([...simulation.data.actuator_force]).toEqual([0]);
    synchronisedStepping.step(simulation, 2);
    expect(simulation.data.actuator_force[0]).not.toBe(0);
  });

  test("continues bit for bit from a saved state", async () => {
    const simulation = await start(synchronisedStepping);
    synchronisedStepping.step(simulation, 3);
    const saved = simulation.saveState();
    synchronisedStepping.step(simulation, 3);
    const expected = [...simulation.qpos, ...simulation.qvel];
    const other = await start(synchronisedStepping);
    other.loadState(saved);
    synchronisedStepping.resume(other);
    synchronisedStepping.step(other, 3);
    expect([...other.qpos, ...other.qvel]).toEqual(expected);
  });

  test.for([0, 2.5])("reports divergence from time %d", async (time) => {
    const simulation = await start(synchronisedStepping);
    simulation.time = time;
    simulation.qvel[0] = 5e11;
    expect(synchronisedStepping.step(simulation, 2)).toMatch(/became NaN, infinite or huge/);
  });
});
