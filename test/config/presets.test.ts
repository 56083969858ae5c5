import { describe, expect, test } from "vitest";
import { describeSource } from "../../src/config/assignments.ts";
import { criticSettings } from "../../src/config/critic-settings.ts";
import { loadConfig } from "../../src/config/load.ts";
import { turnRule } from "../../src/config/on-policy.ts";
import { parseConfig } from "../../src/config/parse.ts";

const ppo = (input: object = {}) => parseConfig({ algorithm: { name: "ppo" }, ...input });

describe("the defaults of SAC", () => {
  // Haarnoja et al. 2018, arXiv 1812.05905, table 1, with 10 000 random steps and CleanRL's bounds of log std.
  test("are those of its paper", () => {
    const { algorithm, replay } = parseConfig({});
    expect(algorithm).toMatchObject({
      ...{ name: "sac", hidden: [256, 256], batchSize: 256, gamma: 0.99, tau: 0.005, nStep: 1 },
      ...{ learningStarts: 10_000, normalizeObservations: false, critic: "mse", twin: "min" },
      ...{ targetEntropy: "auto", temperatureLoss: "alpha", logStdMin: -5, logStdMax: 2 },
      learningRates: { actor: 3e-4, critic: 3e-4, temperature: 3e-4 },
      adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      network: { policy: { activation: "relu" }, critic: { activation: "relu" } },
    });
    expect(replay).toMatchObject({ capacity: 1e6, sampling: "uniform", samplesPerInsert: "auto" });
    expect(criticSettings(parseConfig({})).initialTemperature).toBe(1);
  });
});

describe("the defaults of PPO", () => {
  test("are CleanRL's", () => {
    const { algorithm, actors, ppo: own } = ppo();
    expect(algorithm).toMatchObject({
      ...{ batchSize: 64, gamma: 0.99, hidden: [64, 64], normalizeObservations: true },
      adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-5 },
      network: {
        policy: { activation: "tanh", initialisation: "orthogonal" },
        critic: { activation: "tanh", initialisation: "orthogonal" },
      },
    });
    expect(actors).toMatchObject({ count: 1, envsPerActor: 1, unrollLength: 2048 });
    expect(own).toMatchObject({
      ...{ epochs: 10, learningRate: 3e-4, annealLearningRate: true, gaeLambda: 0.95 },
      ...{ clipRatio: 0.2, valueClip: 0.2, valueCoefficient: 0.5, entropyCoefficient: 0 },
      ...{ maxGradNorm: 0.5, targetKl: 0, normalizeAdvantages: true, rewardClip: 10 },
    });
  });

  test("give way to what is given, one field at a time, and are not SAC's", () => {
    const given = { name: "ppo", batchSize: 128, network: { policy: { activation: "relu" } } };
    const { algorithm } = parseConfig({ algorithm: given });
    expect(algorithm.batchSize).toBe(128);
    expect(algorithm.network.policy).toMatchObject({
      activation: "relu",
      initialisation: "orthogonal",
    });
    expect(parseConfig({}).algorithm).toMatchObject({ batchSize: 256, hidden: [256, 256] });
  });

  test("say where they come from", async () => {
    const flags = [
      { flag: "--algo ppo", path: "algorithm.name", text: "ppo" },
      { flag: "--set", path: "algorithm.hidden", text: "[32]" },
    ];
    const { config, source } = await loadConfig({ flags });
    expect(config.algorithm.hidden).toEqual([32]);
    expect(describeSource(source("algorithm.hidden"))).toBe("--set");
    expect(describeSource(source("algorithm.batchSize"))).toBe("preset ppo");
    expect(describeSource(source("algorithm.gamma"))).toBe("default");
  });

  test.each([
    [{ replay: { sampling: "prioritized" } }, /replay\.sampling/],
    [{ algorithm: { name: "ppo", nStep: 3 } }, /algorithm\.nStep/],
    [{ cluster: { durability: "log" } }, /cluster\.durability/],
  ] as const)("do not go with %o", (input, message) => {
    expect(() => ppo(input)).toThrow(message);
  });

  test("stay with PPO: SAC has no modes and no V-trace", () => {
    expect(() => parseConfig({ ppo: { mode: "asynchronous" } })).toThrow(/ppo\.mode/);
    expect(() => parseConfig({ ppo: { traceClip: 2 } })).toThrow(
      /ppo\.traceClip is 2, but V-trace corrects ppo's targets, and algorithm\.name is sac; leave it out/,
    );
  });

  test("say how far actors may be ahead", () => {
    expect(turnRule(ppo())).toEqual({ ahead: 0, holdsFrames: false });
    expect(turnRule(ppo({ ppo: { mode: "overlapped" } }))).toEqual({ ahead: 1, holdsFrames: true });
    const asynchronous = ppo({ ppo: { mode: "asynchronous", maxAge: 4 } });
    expect(turnRule(asynchronous)).toEqual({ ahead: 4, holdsFrames: false });
    expect(turnRule(parseConfig({}))).toBeUndefined();
    expect(turnRule(parseConfig({ deterministic: true }))).toEqual({
      ...{ ahead: 0, holdsFrames: false },
    });
  });
});

describe("a preset by name", () => {
  test("is the algorithm with its defaults", () => {
    expect(parseConfig({ preset: "ppo" })).toEqual({ ...ppo(), preset: "ppo" });
    expect(parseConfig({ preset: "sac" })).toEqual({ ...parseConfig({}), preset: "sac" });
  });

  test("sac-plus is SAC with critics by classification", () => {
    const byHand = parseConfig({ algorithm: { critic: "hl-gauss" } });
    expect(parseConfig({ preset: "sac-plus" })).toEqual({ ...byHand, preset: "sac-plus" });
  });

  test("gives way to what is given, and says where values come from", async () => {
    const flags = [
      { flag: "--preset ppo", path: "preset", text: "ppo" },
      { flag: "--set", path: "algorithm.network.policy.activation", text: "relu" },
    ];
    const { config, source } = await loadConfig({ flags });
    expect(config.algorithm.network.policy).toMatchObject({
      activation: "relu",
      initialisation: "orthogonal",
    });
    expect(describeSource(source("preset"))).toBe("--preset ppo");
    expect(describeSource(source("algorithm.name"))).toBe("preset ppo");
    expect(describeSource(source("actors.unrollLength"))).toBe("preset ppo");
    expect(describeSource(source("algorithm.network.policy.activation"))).toBe("--set");
  });

  test("is known", async () => {
    expect(() => parseConfig({ preset: "pp" })).toThrow(
      /preset must be auto or sac or .*ppo.*, not "pp" \(did you mean ppo\?\)/,
    );
    const flags = [{ flag: "--preset sacc", path: "preset", text: "sacc" }];
    await expect(loadConfig({ flags })).rejects.toThrow(
      /--preset sacc: preset must be .* mean sac/,
    );
  });

  test("does not go with another algorithm", () => {
    expect(() => parseConfig({ preset: "ppo", algorithm: { name: "sac" } })).toThrow(
      /preset is ppo, but algorithm.name is sac/,
    );
  });
});

describe("the presets of pixels", () => {
  test("are DrM on DrQ-v2 in two sizes, which a file or flag can change", () => {
    const full = parseConfig({ preset: "pixels" });
    expect(full.algorithm).toMatchObject({ name: "drqv2", batchSize: 256, nStep: 3, tau: 0.01 });
    expect(full.drqv2).toMatchObject({ channels: 32, strides: [2, 1, 1, 1], shift: 4 });
    expect(full.env.options).toEqual({ pixels: 84 });
    expect(full.drm).toMatchObject({ enabled: true, perturbInterval: 50_000, perturbMax: 1 });
    const small = parseConfig({ preset: "pixels-small", drm: { enabled: false } });
    expect(small.algorithm).toMatchObject({ name: "drqv2", batchSize: 64, hidden: [256, 256] });
    expect(small.drqv2.channels).toBe(16);
    expect(small.env.options).toEqual({ pixels: { size: 48, repeat: 4 } });
    expect(small.drm.enabled).toBe(false);
  });

  test.each([
    [{ algorithm: { policy: "pmoe" } }, /drqv2's policy is deterministic/],
    [{ drm: { enabled: true, exploration: "entropy" } }, /explores by added noise alone/],
  ])("%j does not go with drqv2", (fields, message) => {
    expect(() => parseConfig({ preset: "drqv2", ...fields })).toThrow(message);
  });
});
