import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import type { Env } from "../../src/envs/env.ts";
import { halfCheetah } from "../../src/envs/gymnasium/half-cheetah.ts";
import { describeEnv, makeEnv } from "../../src/envs/registry.ts";

const open: Env[] = [];
afterEach(() => {
  for (const env of open.splice(0)) env.close();
});

async function make(id: string, options: Record<string, unknown>): Promise<Env> {
  const env = await makeEnv(id, options);
  open.push(env);
  return env;
}

/** A hopper that has fallen over. */
const FALLEN = { qpos: [0, 0.3, 1.5, 0, 0, 0], qvel: [0, 0, 0, 0, 0, 0] };

describe("options", () => {
  test.for([
    ["HalfCheetah-v5", { ctrl_cost_wieght: 0 }, "(did you mean ctrl_cost_weight?)"],
    ["Hopper-v5", { healthy_range: [0, 1] }, 'no option "healthy_range"'],
    ["HalfCheetah-v5", { frame_skip: 0 }, "frame_skip must be above 0, not 0"],
    [
      "HalfCheetah-v5",
      { forward_reward_weight: "much" },
      'forward_reward_weight must be a number, not "much"',
    ],
    [
      "HalfCheetah-v5",
      { ctrl_cost_weight: Number.POSITIVE_INFINITY },
      "ctrl_cost_weight must be a number, not Infinity",
    ],
    [
      "Hopper-v5",
      { healthy_z_range: [2, 1] },
      "healthy_z_range must be two numbers, the lower first, such as [-1, 1] or [0, .inf], not [2,1]",
    ],
    ["Hopper-v5", { healthy_z_range: 1 }, "healthy_z_range must be two numbers"],
    ["Hopper-v5", { healthy_z_range: [Number.NaN, 1] }, "not [.nan,1]"],
    [
      "InvertedPendulum-v5",
      { reset_noise_scale: -1 },
      "reset_noise_scale must be at least 0, not -1",
    ],
    [
      "Walker2d-v5",
      { max_episode_steps: 1.5 },
      "max_episode_steps must be a whole number, not 1.5",
    ],
    ["Ant-v5", { main_body: true }, "main_body must be the number or the name of a body, not true"],
    ["Ant-v5", { width: 100 }, 'no option "width": pictures and films have flags of their own'],
    ["Swimmer-v5", { zzz: 1 }, 'no option "zzz"; there are xml_file, frame_skip,'],
    ["Swimmer-v5", { wrapper: [] }, "(did you mean wrappers?)"],
    ["Ant-v5", { use_contact_forces: true }, 'no option "use_contact_forces"'],
    ["Ant-v4", { main_body: 2 }, 'no option "main_body"'],
    ["Humanoid-v4", { contact_cost_weight: 1 }, 'no option "contact_cost_weight"'],
    ["HalfCheetah-v5", { xml_file: "/no/such/model.xml" }, "/no/such/model.xml"],
  ] as const)("of %s refuse %j", async ([id, options, reason]) => {
    await expect(make(id, options)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(reason),
    });
    await expect(make(id, options)).rejects.toMatchObject({
      message: expect.stringMatching(`^${id}: `),
    });
  });

  test("are listed with Gymnasium's defaults", () => {
    const defaults = (id: string) =>
      Object.fromEntries(describeEnv(id).options.map((option) => [option.name, option.default]));
    expect(defaults("HalfCheetah-v5")).toEqual({
      xml_file: undefined,
      frame_skip: 5,
      max_episode_steps: 1000,
      forward_reward_weight: 1,
      ctrl_cost_weight: 0.1,
      reset_noise_scale: 0.1,
      exclude_current_positions_from_observation: true,
    });
    expect(defaults("Hopper-v5")).toMatchObject({
      frame_skip: 4,
      ctrl_cost_weight: 1e-3,
      healthy_reward: 1,
      terminate_when_unhealthy: true,
      healthy_state_range: [-100, 100],
      healthy_z_range: [0.7, Number.POSITIVE_INFINITY],
      healthy_angle_range: [-0.2, 0.2],
      reset_noise_scale: 5e-3,
    });
    expect(defaults("Walker2d-v5")).toMatchObject({
      healthy_z_range: [0.8, 2],
      healthy_angle_range: [-1, 1],
    });
    expect(defaults("InvertedPendulum-v5")).toMatchObject({
      frame_skip: 2,
      reset_noise_scale: 0.01,
    });
    expect(defaults("Ant-v5")).toMatchObject({
      frame_skip: 5,
      forward_reward_weight: 1,
      ctrl_cost_weight: 0.5,
      contact_cost_weight: 5e-4,
      healthy_reward: 1,
      main_body: 1,
      terminate_when_unhealthy: true,
      healthy_z_range: [0.2, 1],
      contact_force_range: [-1, 1],
      reset_noise_scale: 0.1,
      exclude_current_positions_from_observation: true,
      include_cfrc_ext_in_observation: true,
    });
    const humanoidParts = {
      reset_noise_scale: 1e-2,
      exclude_current_positions_from_observation: true,
      include_cinert_in_observation: true,
      include_cvel_in_observation: true,
      include_qfrc_actuator_in_observation: true,
      include_cfrc_ext_in_observation: true,
    };
    expect(defaults("Humanoid-v5")).toMatchObject({
      ...humanoidParts,
      forward_reward_weight: 1.25,
      ctrl_cost_weight: 0.1,
      contact_cost_weight: 5e-7,
      contact_cost_range: [Number.NEGATIVE_INFINITY, 10],
      healthy_reward: 5,
      terminate_when_unhealthy: true,
      healthy_z_range: [1, 2],
    });
    expect(defaults("HumanoidStandup-v5")).toMatchObject({
      ...humanoidParts,
      uph_cost_weight: 1,
      ctrl_cost_weight: 0.1,
      impact_cost_weight: 5e-7,
      impact_cost_range: [Number.NEGATIVE_INFINITY, 10],
    });
    expect(defaults("Swimmer-v5")).toMatchObject({
      frame_skip: 4,
      forward_reward_weight: 1,
      ctrl_cost_weight: 1e-4,
      reset_noise_scale: 0.1,
    });
    expect(defaults("Reacher-v5")).toMatchObject({
      max_episode_steps: 50,
      reward_dist_weight: 1,
      reward_control_weight: 1,
    });
    expect(defaults("Pusher-v5")).toMatchObject({
      max_episode_steps: 100,
      reward_near_weight: 0.5,
      reward_dist_weight: 1,
      reward_control_weight: 0.1,
    });
    expect(defaults("InvertedDoublePendulum-v5")).toMatchObject({
      healthy_reward: 10,
      reset_noise_scale: 0.1,
    });
  });

  test.for([
    ["HalfCheetah-v5", 18],
    ["Hopper-v5", 12],
    ["Walker2d-v5", 18],
  ] as const)("of %s put x in front of the observation", async ([id, size]) => {
    const env = await make(id, { exclude_current_positions_from_observation: false });
    const { observation, info } = env.reset({ seed: 0 });
    expect(observation).toHaveLength(size);
    expect(env.observationSpace.size).toBe(size);
    expect(observation[0]).toBe(info["x_position"]);
  });

  test("name the body that has to move, which must exist", async () => {
    await expect(make("Ant-v5", { main_body: "aux_1" })).resolves.toMatchObject({ id: "Ant-v5" });
    await expect(make("Ant-v5", { main_body: "tail" })).rejects.toThrow(
      'main_body must be a body of the model, not "tail"; they are 0 to 13: world, torso,',
    );
    await expect(make("Ant-v5", { main_body: 14 })).rejects.toThrow(
      "main_body must be a body of the model, not 14",
    );
  });

  test("weigh the terms of the reward", async () => {
    const env = await make("Hopper-v5", {
      forward_reward_weight: 3,
      ctrl_cost_weight: 0.5,
      healthy_reward: 7,
    });
    env.reset({ seed: 0 });
    const { info, reward } = env.step([1, -1, 0.5]);
    expect(info["reward_forward"]).toBe(3 * info["x_velocity"]!);
    expect(info["reward_ctrl"]).toBe(-0.5 * 2.25);
    expect(info["reward_survive"]).toBe(7);
    expect(reward).toBe(info["reward_forward"]! + 7 - 0.5 * 2.25);
  });

  test("let a fallen body go on without reward for health", async () => {
    const strict = await make("Hopper-v5", {});
    const lenient = await make("Hopper-v5", { terminate_when_unhealthy: false });
    for (const env of [strict, lenient]) {
      env.reset({ state: FALLEN });
      const { terminated, info } = env.step([0, 0, 0]);
      expect(terminated).toBe(env === strict);
      expect(info["reward_survive"]).toBe(0);
    }
  });

  test("say what healthy is", async () => {
    const env = await make("Hopper-v5", {
      healthy_z_range: [-1, Number.POSITIVE_INFINITY],
      healthy_angle_range: [-4, 4],
    });
    env.reset({ state: FALLEN });
    expect(env.step([0, 0, 0]).terminated).toBe(false);
    env.reset({ state: { qpos: [0, 5, 0, 0, 0, 0], qvel: [120, 0, 0, 0, 0, 0] } });
    expect(env.step([0, 0, 0]).terminated).toBe(true);
  });

  test("change the number of timesteps per step, and with it dt", async () => {
    const [short, long] = [
      await make("HalfCheetah-v5", { frame_skip: 1, reset_noise_scale: 0 }),
      await make("HalfCheetah-v5", { frame_skip: 2, reset_noise_scale: 0 }),
    ];
    const action = [1, 1, 1, 1, 1, 1];
    for (const env of [short, long]) env.reset();
    short.step(action);
    const { observation, info } = short.step(action);
    const result = long.step(action);
    expect([...result.observation]).toEqual([...observation]);
    expect(result.info["x_velocity"]).toBe(info["x_position"]! / 0.02);
  });

  test("replace the model by a file's", async () => {
    const folder = await mkdtemp(join(tmpdir(), "troupe-model-"));
    try {
      const path = join(folder, "heavy.xml");
      await writeFile(path, halfCheetah.mjcf.replace('settotalmass="14"', 'settotalmass="28"'));
      const [light, heavy] = [
        await make("HalfCheetah-v5", {}),
        await make("HalfCheetah-v5", { xml_file: path }),
      ];
      const action = [1, 1, 1, 1, 1, 1];
      const rewards = [light, heavy].map((env) => {
        env.reset({ seed: 0 });
        return env.step(action).reward;
      });
      expect(rewards[0]).not.toBe(rewards[1]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("name the model file that is no model", async () => {
    const options = { xml_file: fileURLToPath(import.meta.url) };
    await expect(make("HalfCheetah-v5", options)).rejects.toMatchObject({
      code: "ENV_FAILED",
      message: expect.stringMatching(/options\.test\.ts: .*XML/),
    });
  });

  test("lift the time limit", async () => {
    const env = await make("InvertedPendulum-v5", { max_episode_steps: null });
    expect(env.maxEpisodeSteps).toBe(Number.POSITIVE_INFINITY);
  });
});
