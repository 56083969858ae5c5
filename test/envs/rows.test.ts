import { afterEach, describe, expect, test } from "vitest";
import { CHEETAH_MJCF } from "../../src/envs/dm-control/models/cheetah.ts";
import { Simulation } from "../../src/envs/mujoco/engine.ts";
import {
  dataRow,
  indexOf,
  jointRows,
  modelRow,
  qposIndex,
  qvelIndex,
  sensorRow,
} from "../../src/envs/mujoco/rows.ts";

const open: Simulation[] = [];
afterEach(() => {
  for (const simulation of open.splice(0)) simulation.close();
});

const JOINTS_MJCF = `<mujoco><worldbody>
  <body name="raft"><freejoint name="afloat"/><geom size="1"/>
    <body><joint name="shoulder" type="ball"/><geom size="1"/>
      <body><joint name="rail" type="slide"/><joint name="elbow"/><geom size="1"/></body>
    </body>
  </body>
</worldbody></mujoco>`;

async function simulate(mjcf = CHEETAH_MJCF): Promise<Simulation> {
  const simulation = await Simulation.fromMjcf(mjcf);
  open.push(simulation);
  simulation.reset();
  simulation.forward();
  return simulation;
}

describe("a row of the engine's arrays", () => {
  test("is found by name", async () => {
    const simulation = await simulate();
    expect([...modelRow(simulation, "body_pos", "torso")()]).toEqual([0, 0, 0.7]);
    expect([...dataRow(simulation, "xpos", "torso")()]).toEqual([0, 0, 0.7]);
    expect([...dataRow(simulation, "xmat", "torso")()]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect(qposIndex(simulation, "bthigh")).toBe(3);
    expect(qvelIndex(simulation, "ffoot")).toBe(8);
  });

  test("follows the state and, where it is the model's, changes it", async () => {
    const simulation = await simulate();
    const [place, speed] = [
      dataRow(simulation, "xpos", "torso"),
      sensorRow(simulation, "torso_subtreelinvel"),
    ];
    simulation.qvel[0] = 2;
    modelRow(simulation, "body_pos", "torso")()[2] = 5;
    simulation.forward();
    expect([...speed()]).toEqual([2, 0, 0].map((x) => expect.closeTo(x, 12)));
    expect(place()[2]).toBe(5);
  });

  test("of a joint has as many numbers as its kind", async () => {
    const simulation = await simulate(JOINTS_MJCF);
    simulation.qpos.set(Array.from({ length: 13 }, (_, i) => i));
    simulation.qvel.set(Array.from({ length: 11 }, (_, i) => i));
    const rows = (joint: string): number[][] => {
      const { qpos, qvel } = jointRows(simulation, joint);
      return [[...qpos()], [...qvel()]];
    };
    expect(rows("afloat")).toEqual([
      [0, 1, 2, 3, 4, 5, 6],
      [0, 1, 2, 3, 4, 5],
    ]);
    expect(rows("shoulder")).toEqual([
      [7, 8, 9, 10],
      [6, 7, 8],
    ]);
    expect(rows("rail")).toEqual([[11], [9]]);
    expect(rows("elbow")).toEqual([[12], [10]]);
  });

  test("outlives the heap's moves", async () => {
    const simulation = await simulate();
    const row = dataRow(simulation, "xpos", "torso");
    const stale = row();
    while (stale.length > 0) await simulate();
    expect([...row()]).toEqual([0, 0, 0.7]);
  });

  test.for([
    ["body", (simulation: Simulation) => dataRow(simulation, "xpos", "tail")],
    ["geom", (simulation: Simulation) => modelRow(simulation, "geom_size", "tail")],
    ["joint", (simulation: Simulation) => qposIndex(simulation, "tail")],
    ["sensor", (simulation: Simulation) => sensorRow(simulation, "tail")],
    ["actuator", (simulation: Simulation) => indexOf(simulation, "actuator", "tail")],
  ] as const)("of a %s that is not there is refused by name", async ([kind, find]) => {
    const simulation = await simulate();
    expect(() => find(simulation)).toThrow(
      expect.objectContaining({
        code: "ENV_FAILED",
        message: expect.stringContaining(`the model has no ${kind} "tail"`) as string,
      }),
    );
  });

  test("of a mistyped name: the error has the nearest", async () => {
    const simulation = await simulate();
    expect(() => dataRow(simulation, "xpos", "torsoe")).toThrow(
      'the model has no body "torsoe" (did you mean torso?); it has world, torso,',
    );
  });
});
