import { describe, expect, test } from "vitest";
import { randomActions } from "../../../src/envs/benchmark.ts";
import { defineTask, makeTask, type TaskDefinition } from "../../../src/index.ts";
import { RandomStream } from "../../../src/math/random.ts";
import { envContract } from "../env-contract.ts";

const MODEL = `<mujoco>
  <size memory="256K"/>
  <worldbody>
    <body name="arm">
      <joint name="hinge" type="hinge" axis="0 1 0" damping="0.1"/>
      <geom name="rod" type="capsule" fromto="0 0 0 0.3 0 0" size="0.02" mass="0.2"/>
      <site name="tip" pos="0.3 0 0"/>
    </body>
    <body name="ball" pos="1 0 0">
      <freejoint name="free"/>
      <geom size="0.05" mass="0.1"/>
    </body>
  </worldbody>
  <actuator><motor joint="hinge" ctrllimited="true" ctrlrange="-2 2"/></actuator>
  <sensor><framepos name="tip_pos" objtype="site" objname="tip"/></sensor>
</mujoco>`;

const arm = defineTask({
  id: "Arm",
  model: MODEL,
  frameSkip: 5,
  maxEpisodeSteps: 30,
  memory: 1,
  options: { effort: 0.1, spread: 0.5 },
  reset(sim, random) {
    const [hinge] = [sim.joint("hinge")];
    hinge.qpos[0] = random.uniformBetween(-sim.options.spread, sim.options.spread);
  },
  begin(sim) {
    sim.memory[0] = sim.site("tip").position[2]!;
  },
  observation: (sim) => [sim.joint("hinge").qpos, sim.joint("hinge").qvel, sim.sensor("tip_pos")],
  reward(sim, action) {
    const height = sim.site("tip").position[2]!;
    const rise = height - sim.memory[0]!;
    sim.memory[0] = height;
    return { rise, effort: -sim.options.effort * action[0]! ** 2 };
  },
  terminated: (sim) => sim.joint("hinge").qpos[0]! > 3,
});

envContract("a task in its short form", (options) => makeTask(arm, options));

function broken(part: Partial<TaskDefinition>): TaskDefinition {
  const whole: TaskDefinition = {
    id: "Arm",
    model: MODEL,
    observation: (s) => s.qpos,
    reward: () => 0,
  };
  return { ...whole, ...part };
}

describe("makeTask", () => {
  test("shows a step's terms, whose sum is the reward", async () => {
    const env = await makeTask(arm, { effort: 1 });
    env.reset({ seed: 0 });
    const { reward, info } = env.step([0.5]);
    expect(Object.keys(info)).toEqual(["rise", "effort"]);
    expect(info["effort"]).toBe(-0.25);
    expect(reward).toBe(info["rise"]! - 0.25);
    env.close();
  });

  test("takes frame skip, limit and its own options, and none besides", async () => {
    const env = await makeTask(arm, { frameSkip: 1, maxEpisodeSteps: 3 });
    expect(env.maxEpisodeSteps).toBe(3);
    env.close();
    const endless = await makeTask(arm, { maxEpisodeSteps: null });
    expect(endless.maxEpisodeSteps).toBe(Number.POSITIVE_INFINITY);
    endless.close();
    await expect(makeTask(arm, { efort: 1 })).rejects.toThrow("did you mean effort?");
    await expect(makeTask(arm, { effort: "much" })).rejects.toThrow(
      'Arm: effort must be a number, not "much"',
    );
  });

  test("sees joints and frames as they are after the step", async () => {
    const seen: number[][] = [];
    const task = broken({
      reward(sim) {
        const { position, rotation } = sim.body("ball");
        const { qpos, qvel } = sim.joint("free");
        seen.push([qpos.length, qvel.length, position[2]! - qpos[2]!, rotation[8]!]);
        seen.push([...sim.geom("rod").position], [...sim.act], [sim.time, sim.dt]);
        return 0;
      },
    });
    const env = await makeTask(task);
    env.reset({ seed: 0 });
    env.step([0]);
    expect(seen[0]).toEqual([7, 6, 0, 1]);
    expect(seen[1]![0]).toBeCloseTo(0.15, 3);
    expect(seen.slice(2)).toEqual([[], [0.002, 0.002]]);
    env.close();
  });

  test("keeps its views when the engine's heap moves", async () => {
    const env = await makeTask(arm);
    const twin = await makeTask(arm);
    const actions = randomActions(env.actionSpace, RandomStream.derive(1, "test"), 20);
    env.reset({ seed: 1 });
    twin.reset({ seed: 1 });
    const others = await Promise.all(
      Array.from({ length: 60 }, () => makeTask(broken({ model: MODEL.replace("256K", "4M") }))),
    );
    for (const action of actions) {
      expect([...env.step(action).observation]).toEqual([...twin.step(action).observation]);
    }
    for (const other of [...others, env, twin]) other.close();
  });

  test.for([
    [{ model: "<mujoco><worldbody><bodi/></worldbody></mujoco>" }, /^Arm: model: .*bodi/s],
    [{ model: "./absent.xml" }, /^Arm: model: .*absent\.xml/],
    [
      { observation: (s) => s.sensor("tip_po") },
      /^Arm: observation threw: the model has no sensor "tip_po" \(did you mean tip_pos\?\); it has tip_pos/,
    ],
    [{ observation: (s) => s.body("arms").position }, /no body "arms" \(did you mean arm\?\)/],
    [{ observation: (s) => s.joint("x").qpos }, /no joint "x"; it has hinge, free/],
    [{ observation: () => [] }, /observation gives no numbers/],
    [{ observation: () => 3 as never }, /observation gives 3, no list/],
    [{ observation: () => [undefined] as never }, /observation gives undefined at index 0/],
  ] as const satisfies [Partial<TaskDefinition>, RegExp][])(
    "refuses %o when it is made",
    async ([part, message]) => {
      await expect(makeTask(broken(part))).rejects.toThrow(message);
    },
  );

  test("names every part of a definition that is not as it should be", async () => {
    const definition = { ...broken({}), frameSkip: 0, reward: 1, observe: () => [] } as never;
    const failure = String(await makeTask(definition).catch((thrown: unknown) => thrown));
    for (const part of [
      "frameSkip must be above 0, not 0",
      "reward must be a function, not 1",
      "observe is nothing a task has; that is id, model,",
    ])
      expect(failure).toContain(part);
  });

  test.for([
    [{ maxEpisodeStep: 5 }, "maxEpisodeStep is nothing a task has (did you mean maxEpisodeSteps?)"],
    [{ options: { deep: { a: 1 } } }, "options.deep must be a number, true or false, text or a"],
    [{ options: { pixels: 84 } }, "options.pixels needs another name: every task has an option"],
    [{ options: { frameSkip: 7 } }, "options.frameSkip needs another name"],
  ] as const)("refuses a definition with %o", async ([part, message]) => {
    await expect(makeTask({ ...broken({}), ...part } as never)).rejects.toThrow(message);
  });

  test("refuses a model that nothing can act on", async () => {
    const model = MODEL.replace(/<actuator>.*<\/actuator>/s, "");
    await expect(makeTask(broken({ model }))).rejects.toThrow(
      /^Arm: the model has no actuators, so that there are no actions: add an <actuator>$/,
    );
  });

  test("shows that actuators without a range have no bounds", async () => {
    const model = MODEL.replace(/<motor [^>]*>/, '<motor joint="hinge"/>');
    const env = await makeTask(broken({ model }));
    expect(env.actionSpace).toMatchObject({
      low: Float32Array.of(Number.NEGATIVE_INFINITY),
      high: Float32Array.of(Number.POSITIVE_INFINITY),
    });
    env.close();
  });

  test.for([
    ["begin", async (): Promise<unknown> => undefined],
    ["observation", async (): Promise<unknown> => [1]],
  ] as const)("refuses an async %s when it is made", async ([name, run]) => {
    await expect(makeTask(broken({ [name]: run } as never))).rejects.toThrow(
      `Arm: ${name} gives a promise; it cannot be async`,
    );
  });

  test.for([
    ["reset", async (): Promise<unknown> => Promise.reject(new Error("late"))],
    ["reward", async (): Promise<unknown> => 1],
    ["terminated", async (): Promise<unknown> => false],
  ] as const)("refuses an async %s when it is called", async ([name, run]) => {
    const env = await makeTask(broken({ [name]: run } as never));
    expect(() => {
      env.reset({ seed: 1 });
      env.step([0]);
    }).toThrow(`${name} gives a promise; it cannot be async`);
    env.close();
  });

  test.for([
    [{ reward: () => undefined as never }, "reward gives undefined, neither a number nor terms"],
    [{ reward: () => ({ a: "1" }) as never }, "reward gives 1 for a, no number"],
    [{ reward: (s) => s.sensor("none")[0]! }, 'reward threw: the model has no sensor "none"'],
    [{ terminated: () => 1 as never }, "terminated gives 1, no boolean"],
    [{ observation: (s) => (s.time > 0 ? [1] : [1, 2]) }, "observation gives 1 numbers; it gave 2"],
  ] as const satisfies [Partial<TaskDefinition>, string][])(
    "names task, step and seed: %o",
    async ([part, message]) => {
      const env = await makeTask(broken(part));
      env.reset({ seed: 9 });
      expect(() => env.step([0])).toThrow(
        expect.objectContaining({
          code: "ENV_FAILED",
          message: expect.stringMatching(/^Arm: .* at step 1 \(seed 9, episode 1\)$/s),
        }),
      );
      env.reset({ seed: 9 });
      expect(() => env.step([0])).toThrow(message);
      env.close();
    },
  );
});
