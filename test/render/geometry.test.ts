import { afterEach, describe, expect, test } from "vitest";
import { Simulation } from "../../src/envs/mujoco/engine.ts";
import { listEnvs, modelOf } from "../../src/envs/registry.ts";
import { RandomStream } from "../../src/math/random.ts";
import { cameraNames } from "../../src/render/camera.ts";
import { Renderer } from "../../src/render/renderer.ts";
import { EnginePicture, shuffle } from "./engine-rays.ts";

/** One id for each model: tasks of a domain share it. */
const models = new Map(
  listEnvs().flatMap(({ id }) => {
    const mjcf = modelOf(id);
    return mjcf === undefined ? [] : [[mjcf, id] as const];
  }),
);

const SHAPES = `
<mujoco>
  <worldbody>
    <geom type="plane" size="2 1.5 1" pos="0 0 -0.6" euler="10 0 0"/>
    <geom type="plane" size="0 0 1" pos="0 0 -1.5"/>
    <body pos="-0.9 0 0"><freejoint/><geom type="sphere" size="0.3"/></body>
    <body pos="-0.3 0 0"><freejoint/><geom type="capsule" size="0.12 0.3"/></body>
    <body pos="0.3 0 0"><freejoint/><geom type="ellipsoid" size="0.1 0.2 0.4"/></body>
    <body pos="0.9 0 0"><freejoint/><geom type="cylinder" size="0.2 0.25"/></body>
    <body pos="0 0.6 0.4"><freejoint/><geom type="box" size="0.2 0.3 0.15"/></body>
    <body pos="0 -0.4 0.4"><geom type="box" size="0.1 0.1 0.1" rgba="0 0 0 0"/></body>
    <body pos="0 0.4 -0.4"><geom type="sphere" size="0.3" group="4"/></body>
    <camera name="front" pos="0 -3 0.5" xyaxes="1 0 0 0 0.2 1"/>
    <camera name="top" pos="0 0 3"/>
    <camera name="below" pos="0 0 -3" xyaxes="1 0 0 0 -1 0"/>
    <camera name="in the middle" pos="0 0 0" xyaxes="1 0 0 0 0 1" fovy="120"/>
  </worldbody>
</mujoco>`;

let simulation: Simulation | undefined;
afterEach(() => simulation?.close());

/** Returns the number of pixels that showed a geom. */
async function expectSame(scene: Simulation, poses: number): Promise<number> {
  const random = RandomStream.derive(1, "geometry");
  let [hits, missed, pixels] = [0, 0, 0];
  for (let pose = 0; pose < poses; pose++) {
    shuffle(scene, () => random.uniform());
    for (const camera of [...cameraNames(scene.model), "free"]) {
      // Odd sizes have rays along the axes.
      const [width, height] = pose % 2 ? [61, 45] : [84, 84];
      const renderer = new Renderer(scene, { width, height, camera });
      const actual = renderer.segment(new Int32Array(width * height));
      const expected = await EnginePicture.take(scene, { width, height, camera });
      const { wrong, missedByEngine } = expected.differences(actual);
      expect(wrong, `${camera}, pose ${pose}`).toEqual([]);
      missed += missedByEngine;
      pixels += actual.length;
      hits += actual.filter((geom) => geom >= 0).length;
    }
  }
  // Else the comparison would be with single rays, not with the engine's bundle.
  expect(missed / pixels).toBeLessThan(0.01);
  return hits;
}

describe("the ray caster shows the geoms that the engine's own rays hit", () => {
  test("for every shape, from every side, in random poses", async () => {
    simulation = await Simulation.fromMjcf(SHAPES);
    expect(await expectSame(simulation, 16)).toBeGreaterThan(10_000);
  });

  test.for([...models].map(([mjcf, id]) => [id, mjcf] as const))(
    "for %s, with every camera",
    async ([, mjcf]) => {
      simulation = await Simulation.fromMjcf(mjcf);
      expect(await expectSame(simulation, 3)).toBeGreaterThan(100);
    },
  );
});
