import { afterEach, describe, expect, test } from "vitest";
import {
  drawUntilFree,
  jointRandomiser,
  limitedJointRandomiser,
} from "../../../src/envs/dm-control/random-start.ts";
import { Simulation } from "../../../src/envs/mujoco/engine.ts";
import { RandomStream } from "../../../src/math/random.ts";

/** One joint of each kind: where its numbers lie in qpos is written beside it. */
const EVERY_JOINT = `<mujoco><size memory="512K"/><compiler angle="radian" autolimits="false"/><worldbody>
  <body><freejoint name="0 to 7"/><geom size="0.1"/>
    <body><joint name="7" type="slide" limited="true" range="0.5 0.75"/><geom size="0.1"/>
    <body><joint name="8" type="slide"/><geom size="0.1"/>
    <body><joint name="9" type="hinge" limited="true" range="-2 -1"/><geom size="0.1"/>
    <body><joint name="10" type="hinge"/><geom size="0.1"/>
    <body><joint name="11 to 15" type="ball"/><geom size="0.1"/>
    <body><joint name="15 to 19" type="ball" limited="true" range="0 0.5"/><geom size="0.1"/>
    </body></body></body></body></body></body>
  </body></worldbody></mujoco>`;

let simulation: Simulation | undefined;
afterEach(() => simulation?.close());

async function open(mjcf: string): Promise<Simulation> {
  simulation = await Simulation.fromMjcf(mjcf);
  simulation.reset();
  return simulation;
}

/** qpos of `count` draws. */
async function draws(
  randomiser: typeof jointRandomiser,
  count: number,
): Promise<{ start: number[]; qpos: number[][] }> {
  const body = await open(EVERY_JOINT);
  const start = [...body.qpos];
  const draw = randomiser(body);
  const random = RandomStream.derive(1, "test");
  const qpos = Array.from({ length: count }, () => {
    body.reset();
    draw(random);
    return [...body.qpos];
  });
  return { start, qpos };
}

const COUNT = 2000;
const column = (rows: number[][], index: number) => rows.map((row) => row[index]!);
const extremes = (values: number[]) => [Math.min(...values), Math.max(...values)] as const;

describe("random joints", () => {
  test("are spread over their range, an unlimited hinge over the circle", async () => {
    const { qpos } = await draws(jointRandomiser, COUNT);
    // 2000 uniform draws all miss the last 1 % with probability 2e-9.
    for (const [index, low, high] of [
      [7, 0.5, 0.75],
      [9, -2, -1],
      [10, -Math.PI, Math.PI],
    ] as const) {
      const [least, most] = extremes(column(qpos, index));
      const margin = 0.01 * (high - low);
      expect(least).toBeGreaterThanOrEqual(low);
      expect(least).toBeLessThan(low + margin);
      expect(most).toBeLessThanOrEqual(high);
      expect(most).toBeGreaterThan(high - margin);
    }
  });

  test("leave positions that have no range alone", async () => {
    const { start, qpos } = await draws(jointRandomiser, 5);
    for (const row of qpos)
      expect([...row.slice(0, 3), row[8]]).toEqual([...start.slice(0, 3), start[8]]);
  });

  test("turn bodies by unit quaternions: free ones in one octant, as the suite does", async () => {
    const { qpos } = await draws(jointRandomiser, 200);
    for (const row of qpos) {
      for (const at of [3, 11, 15]) expect(Math.hypot(...row.slice(at, at + 4))).toBeCloseTo(1, 12);
      expect(Math.min(...row.slice(3, 7))).toBeGreaterThanOrEqual(0);
      // Turned by 0.5 rad at most.
      expect(row[15]).toBeGreaterThanOrEqual(Math.cos(0.25));
    }
    const [least, most] = extremes(column(qpos, 11));
    expect(least).toBeLessThan(-0.8);
    expect(most).toBeGreaterThan(0.8);
  });

  test("may be the limited hinges and slides alone", async () => {
    const { start, qpos } = await draws(limitedJointRandomiser, 5);
    for (const row of qpos) {
      const changed = row.flatMap((value, index) => (value === start[index] ? [] : [index]));
      expect(changed).toEqual([7, 9]);
    }
  });
});

describe("drawing until nothing touches", () => {
  const ball = `<mujoco><size memory="512K"/><worldbody><geom type="plane" size="1 1 1"/>
    <body><joint name="z" type="slide" axis="0 0 1"/><geom size="0.1"/></body></worldbody></mujoco>`;

  test("stops at the first draw without contacts", async () => {
    const body = await open(ball);
    const heights = [0, 0.05, 0.15, 0.2];
    let drawn = 0;
    drawUntilFree(body, () => {
      body.qpos[0] = heights[drawn++]!;
    });
    expect(drawn).toBe(3);
    expect(body.data.ncon).toBe(0);
  });

  test("gives up after 1000 draws", async () => {
    const body = await open(ball);
    let drawn = 0;
    expect(() => drawUntilFree(body, () => drawn++)).toThrow(
      expect.objectContaining({ code: "ENV_FAILED", message: "all of 1000 draws had contacts" }),
    );
    expect(drawn).toBe(1000);
  });
});
