import { afterEach, describe, expect, test } from "vitest";
import { Simulation } from "../../src/envs/mujoco/engine.ts";
import { mujocoRuntime } from "../../src/envs/mujoco/module.ts";
import { makeEnv } from "../../src/envs/registry.ts";
import { type FreeCamera, openCamera } from "../../src/render/camera.ts";
import { Renderer, type RenderOptions } from "../../src/render/renderer.ts";

let simulation: Simulation | undefined;
afterEach(() => simulation?.close());

/** Ambient 0.4 and diffuse 0.8 from the camera. */
const LIGHT = `<visual><headlight ambient="0.4 0.4 0.4" diffuse="0.8 0.8 0.8"/></visual>`;
/** Looks along y from 3 m before the origin, z up. */
const CAMERA = `<camera name="front" pos="0 -3 0" xyaxes="1 0 0 0 0 1"/>`;

async function scene(world: string, more = LIGHT): Promise<Simulation> {
  const made = await Simulation.fromMjcf(
    `<mujoco>${more}<worldbody>${CAMERA}${world}</worldbody></mujoco>`,
  );
  simulation = made;
  made.forward();
  return made;
}

/** Red, green, blue at a row and column. */
type Pixel = (row: number, column: number) => number[];

function draw(made: Simulation, options: Partial<RenderOptions> = {}): Pixel {
  const { width = 41, height = 41 } = options;
  const pixels = new Renderer(made, { width, height, ...options }).render(
    new Uint8Array(3 * width * height),
  );
  return (row, column) =>
    Array.from(pixels.subarray(3 * (row * width + column), 3 * (row * width + column) + 3));
}

function expectNear(actual: readonly number[], expected: readonly number[]): void {
  for (const [a, value] of expected.entries()) {
    expect(Math.abs(actual[a]! - Math.min(255, value)), `${actual}`).toBeLessThanOrEqual(1);
  }
}

describe("a picture", () => {
  test("follows Lambert's law on every kind of solid", async () => {
    const shapes = [
      'type="sphere" size="1"',
      'type="capsule" size="1 0.1" zaxis="1 0 0"',
      'type="ellipsoid" size="1 1 1"',
      'type="cylinder" size="1 1"',
    ];
    for (const shape of shapes) {
      const pixel = draw(await scene(`<geom ${shape} rgba="0.5 0.4 0.1 1"/>`));
      // The middle faces the camera: 0.4 + 0.8.
      expectNear(pixel(20, 20), [0.5 * 1.2 * 255, 0.4 * 1.2 * 255, 0.1 * 1.2 * 255]);
      simulation?.close();
    }
    const pixel = draw(
      await scene('<geom type="box" size="1 1 1" euler="0 0 30" rgba="0.5 0.5 0.5 1"/>'),
    );
    // That face of the box is turned by 30 degrees.
    const face = 0.5 * (0.4 + 0.8 * Math.cos(Math.PI / 6)) * 255;
    expectNear(pixel(20, 20), [face, face, face]);
  });

  test("has the light of lamps, in their cones only", async () => {
    const dark = '<visual><headlight active="0"/></visual>';
    const lamp = '<light pos="0 -2 0" dir="0 1 0" diffuse="1 0.5 0" cutoff="10" exponent="0"/>';
    const pixel = draw(await scene(`${lamp}<geom type="box" size="2 1 2" rgba="1 1 1 1"/>`, dark));
    expectNear(pixel(20, 20), [255, 127.5, 0]);
    // 0.6 m to the side of a cone of 0.18 m.
    expectNear(pixel(20, 34), [0, 0, 0]);
    expectNear(pixel(34, 20), [0, 0, 0]);
  });

  test("shows a checkered floor where the model has one, and where it says nothing", async () => {
    const looks = [
      ["", ""],
      [
        `<asset><texture name="t" type="2d" builtin="checker" width="2" height="2" rgb1="0.1 0.2 0.3"
         rgb2="0.2 0.3 0.4"/><material name="m" texture="t" texrepeat="1 1" texuniform="true"/></asset>`,
        'material="m"',
      ],
    ] as const;
    for (const [asset, look] of looks) {
      const made = await scene(
        `<camera name="top" pos="0 0 5"/><geom type="plane" size="9 9 1" ${look}/>`,
        LIGHT + asset,
      );
      const pixel = draw(made, { camera: "top" });
      // 4.14 m across 41 pixels; squares of a metre around the origin.
      const [dark, light] = [
        [0.1, 0.2, 0.3].map((part) => part * 1.2 * 255),
        [0.2, 0.3, 0.4].map((part) => part * 1.2 * 255),
      ];
      const quadrants = [pixel(15, 15), pixel(15, 25), pixel(25, 15), pixel(25, 25)];
      expect(quadrants[0]).toEqual(quadrants[3]);
      expect(quadrants[1]).toEqual(quadrants[2]);
      const [first, second] = quadrants[0]![0]! < quadrants[1]![0]! ? [dark, light] : [light, dark];
      expectNear(quadrants[0]!, first!);
      expectNear(quadrants[1]!, second!);
      expect(pixel(5, 15)).toEqual(quadrants[1]);
      simulation?.close();
    }
  });

  test("lets light through what is clear, far things first, and not through what is hidden", async () => {
    const box = (y: number, rgba: string, more = "") =>
      `<geom type="box" size="1 0.1 1" pos="0 ${y} 0" rgba="${rgba}" ${more}/>`;
    const clear = box(-1, "1 0 0 0.5") + box(-0.5, "0 1 0 0.25");
    const hidden = box(-1.5, "1 1 1 0") + box(-1.5, "1 1 1 1", 'group="4"');
    const made = await scene(clear + box(0, "0 0 1 1") + hidden);
    const green = 0.25 * 255;
    expectNear(draw(made)(20, 20), [0.5 * 255, 0.5 * green, 0.5 * 0.75 * 255]);
    expectNear(draw(made, { groups: [4] })(20, 20), [255, 255, 255]);
  });

  test("shows sites and tendons, which rays of the engine pass", async () => {
    const made = await scene(
      `<site name="a" type="sphere" pos="-0.5 0 0" size="0.1" rgba="1 0 0 1"/>
       <site name="b" pos="0.5 0 0" size="0.1" rgba="0 1 0 1"/>
       <body><freejoint/><geom size="0.01" rgba="0 0 0 0"/></body>`,
      `${LIGHT}<tendon><spatial width="0.05" rgba="0 0 1 1"><site site="a"/><site site="b"/></spatial></tendon>`,
    );
    const pixel = draw(made);
    expectNear(pixel(20, 12), [255, 0, 0]);
    expectNear(pixel(20, 20), [0, 0, 255]);
    expectNear(pixel(20, 28), [0, 255, 0]);
    // The engine's own edits, as tasks make them at a reset.
    made.model.site_rgba[3] = 0;
    made.model.site_size[3] = 0.6;
    const edited = draw(made);
    expect(edited(20, 12)[0]).toBeLessThan(100);
    expect(edited(20, 20)[1]).toBeGreaterThan(200);
  });

  test("looks out of what surrounds the camera", async () => {
    const made = await scene(
      '<geom size="0.2" pos="0 -3 0" rgba="1 0 0 1"/><geom size="0.5" rgba="0 1 0 1"/>',
    );
    expectNear(draw(made)(20, 20), [0, 255, 0]);
  });

  test("shows a mesh as the box around it, and says so", async () => {
    const mesh =
      '<asset><mesh name="m" vertex="0 0 0 1 0 0 0 1 0 0 0 1 1 1 1"/></asset><default><geom rgba="1 0 0 1"/></default>';
    const made = await scene(
      '<geom name="rock" type="mesh" mesh="m"/><geom size="0.1"/>',
      LIGHT + mesh,
    );
    const renderer = new Renderer(made, { width: 9, height: 9 });
    expect(renderer.boxed).toEqual(["rock"]);
    expect(renderer.segment(new Int32Array(81))[40]).toBeGreaterThanOrEqual(0);
  });

  test("is refused where it cannot be", async () => {
    const made = await scene('<geom size="0.1"/>');
    const size = { width: 8, height: 8 };
    const renderer = new Renderer(made, size);
    expect(() => renderer.render(new Uint8Array(8 * 8))).toThrow(RangeError);
    expect(() => renderer.segment(new Int32Array(3 * 8 * 8))).toThrow(RangeError);
    for (const [options, message] of [
      [{ ...size, width: 0 }, /width of a picture: 0/],
      [{ ...size, height: 9000 }, /height of a picture: 9000/],
      [{ ...size, camera: "fron" }, /did you mean "front"\? There are: front, free/],
      [{ ...size, camera: { trackBody: "leg" } }, /no body "leg"; there are: world/],
      [{ ...size, camera: { lookAt: [0, 0] as never } }, /lookAt must be three numbers.* \[0,0\]/],
      [
        { ...size, camera: { distance: -1 } },
        /distance must be a number of metres above 0, not -1/,
      ],
      [{ ...size, camera: { fovy: 180 } }, /fovy must be .* between 0 and 180, not 180/],
      [{ ...size, camera: { zoom: 2 } as never }, /no setting "zoom"; there are lookAt, trackBody/],
    ] as const) {
      expect(() => new Renderer(made, options)).toThrow(message);
    }
  });
});

describe("a camera of one's own", () => {
  test.for([
    [{}],
    [{ distance: 2, azimuth: 30, elevation: 10, lookAt: [1, 2, 3] }],
    [{ trackBody: "arm", elevation: -70 }],
  ] as const)("stands where MuJoCo's stands: %j", async ([options]: readonly [FreeCamera]) => {
    const made = await scene(
      '<body name="arm" pos="0.3 0.1 0.5"><freejoint/><geom size="0.1"/></body>',
    );
    const { module } = await mujocoRuntime();
    const camera = new module.MjvCamera();
    module.mjv_defaultFreeCamera(made.model, camera);
    const { distance, azimuth, elevation, lookAt, trackBody } = options;
    if (distance !== undefined) camera.distance = distance;
    if (azimuth !== undefined) camera.azimuth = azimuth;
    if (elevation !== undefined) camera.elevation = elevation;
    if (lookAt) camera.lookat.set(lookAt);
    // The only body's centre of mass.
    if (trackBody) camera.lookat.set([0.3, 0.1, 0.5]);
    const picture = new module.MjvScene(made.model, 100);
    const [options3d, perturbation] = [new module.MjvOption(), new module.MjvPerturb()];
    const all = module.mjtCatBit.mjCAT_ALL.value;
    module.mjv_updateScene(made.model, made.data, options3d, perturbation, camera, all, picture);
    // Of a pair of eyes.
    const eyes = [picture.camera.get(0)!, picture.camera.get(1)!];
    const own = openCamera(made, options);
    own.read();
    const { position, rotation } = own.pose;
    for (let a = 0; a < 3; a++) {
      expect(position[a]).toBeCloseTo((eyes[0]!.pos[a] + eyes[1]!.pos[a]) / 2, 4);
      expect(rotation[3 * a + 1]).toBeCloseTo(eyes[0]!.up[a], 5);
      expect(-rotation[3 * a + 2]!).toBeCloseTo(eyes[0]!.forward[a], 5);
    }
    for (const handle of [...eyes, camera, picture, options3d, perturbation]) handle.delete();
  });
});

describe("a view of an environment", () => {
  test("changes nothing about its episodes, and shows a restored one", async () => {
    const size = { width: 24, height: 24 };
    const [plain, seen] = [await makeEnv("Walker2d-v5"), await makeEnv("Walker2d-v5")];
    const view = seen.openView!(size);
    const pixels = new Uint8Array(3 * 24 * 24);
    plain.reset({ seed: 1 });
    seen.reset({ seed: 1 });
    const action = [0.3, -0.2, 0.1, 0.5, -0.4, 0.2];
    for (let step = 0; step < 5; step++) {
      view.render(pixels);
      expect(seen.step(action)).toEqual(plain.step(action));
    }
    const saved = seen.snapshot!();
    const before = view.render(new Uint8Array(pixels.length));
    seen.reset({ seed: 2 });
    expect(view.render(pixels)).not.toEqual(before);
    seen.restore!(saved);
    const differing = view.render(pixels).filter((value, at) => Math.abs(value - before[at]!) > 40);
    // The picture before lags a timestep behind the state, this one does not.
    expect(differing.length).toBeLessThan(pixels.length / 20);
    expect(seen.step(action)).toEqual(plain.step(action));
    plain.close();
    seen.close();
    expect(() => view.render(pixels)).toThrow(/closed/);
  });

  test("goes on after the engine's heap has moved", async () => {
    const env = await makeEnv("dm_control/ball_in_cup-catch");
    const size = 3 * 24 * 24;
    env.reset({ seed: 1 });
    const view = env.openView!({ width: 24, height: 24 });
    const before = view.render(new Uint8Array(size));
    const small = await Simulation.fromMjcf("<mujoco/>");
    simulation = small;
    const watched: Float64Array = small.data.xpos;
    const large: Simulation[] = [];
    // Views of a heap that has moved have length 0.
    while (watched.length > 0) {
      large.push(await Simulation.fromMjcf('<mujoco><size memory="16M"/></mujoco>'));
    }
    expect(view.render(new Uint8Array(size))).toEqual(before);
    for (const other of large) other.close();
    env.close();
  });
});
