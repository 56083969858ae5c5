import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readModelFiles } from "../../src/envs/mujoco/model-files.ts";
import { makeEnv, makeTask } from "../../src/index.ts";

/** A tetrahedron with edges of 1, 0.1 m when scaled. */
const MESH = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "troupe-model-"));
  for (const name of ["robot/parts", "meshes/fine"])
    mkdirSync(join(folder, name), { recursive: true });
  write("meshes/fine/body.obj", MESH);
  write("robot/parts/leg.xml", '<mujoco><include file="parts/foot.xml"/></mujoco>');
  write(
    "robot/parts/foot.xml",
    '<mujoco><worldbody><site name="foot" pos="0 0 2"/></worldbody></mujoco>',
  );
  write(
    "robot/robot.xml",
    `<mujoco>
      <size memory="256K"/>
      <compiler meshdir="../meshes"/>
      <!-- <include file="absent.xml"/> -->
      <asset><mesh name="body" file="fine/body.obj" scale="0.1 0.1 0.1"/></asset>
      <include file="parts/leg.xml"/>
      <worldbody>
        <body name="body"><joint name="x" type="slide" axis="1 0 0"/><geom type="mesh" mesh="body"/></body>
      </worldbody>
      <actuator><motor joint="x" ctrllimited="true" ctrlrange="-1 1"/></actuator>
    </mujoco>`,
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

const task = () => ({
  id: "Robot",
  model: join(folder, "robot/robot.xml"),
  observation: (sim: { qpos: Float64Array }) => sim.qpos,
  reward: (sim: { site(name: string): { position: Float64Array } }) =>
    sim.site("foot").position[2]!,
});

describe("a model of several files", () => {
  test("has its meshes and parts, those of parts included", async () => {
    const env = await makeTask(task());
    env.reset({ seed: 0 });
    expect(env.step([1])).toMatchObject({ reward: 2 });
    env.close();
  });

  test("takes the place of a registered task's, as Gymnasium's robots do", async () => {
    const env = await makeEnv("HalfCheetah-v5", { xml_file: join(folder, "robot/robot.xml") });
    expect(env.actionSpace).toMatchObject({ size: 1 });
    env.reset({ seed: 0 });
    expect(env.step([1]).info["x_velocity"]).not.toBe(0);
    env.close();
  });

  test("names the file that is not there", async () => {
    rmSync(join(folder, "meshes/fine/body.obj"));
    await expect(makeTask(task())).rejects.toThrow(/^Robot: model .*robot\.xml: .*body\.obj/s);
  });

  test("is read each file once, whoever includes whom", async () => {
    write("robot/parts/foot.xml", '<mujoco><include file="parts/leg.xml"/></mujoco>');
    const files = await readModelFiles('<include file="parts/leg.xml"/>', join(folder, "robot"));
    expect([...files.keys()]).toEqual(["parts/leg.xml", "parts/foot.xml"]);
  });
});
