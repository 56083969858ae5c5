import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeSource } from "../../src/config/assignments.ts";
import { variableName } from "../../src/config/environment.ts";
import { fields } from "../../src/config/keys.ts";
import { loadConfig, parseSetFlag } from "../../src/config/load.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { annotatedYaml, configYaml } from "../../src/config/show.ts";
import { RunError } from "../../src/errors.ts";

async function yamlFile(text: string): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), "config-")), "run.yaml");
  await writeFile(file, text);
  return file;
}

/** The message of the refusal, with the folder of the file cut off. */
async function refusal(sources: Parameters<typeof loadConfig>[0]): Promise<string> {
  try {
    await loadConfig(sources);
  } catch (thrown) {
    const error = RunError.from(thrown);
    expect(error.code).toBe("CONFIG_INVALID");
    return error.message.replaceAll(/\S*\/(?=run\.yaml)/g, "");
  }
  throw new Error("accepted");
}

describe("loadConfig", () => {
  test("gives every field its default from nothing", async () => {
    const { config, source } = await loadConfig({});
    expect(config).toEqual(parseConfig({}));
    expect(config.algorithm.learningRates).toEqual({
      actor: 3e-4,
      critic: 3e-4,
      temperature: 3e-4,
    });
    expect(source("algorithm.batchSize")).toEqual({ kind: "default" });
  });

  test("puts flags over environment over file over defaults, and knows who set what", async () => {
    const file = await yamlFile("algorithm:\n  batchSize: 1\n  tau: 0.1\n  gamma: 0.5\n");
    const { config, source } = await loadConfig({
      file,
      environment: { TROUPE_ALGORITHM__BATCH_SIZE: "2", TROUPE_ALGORITHM__TAU: "0.2" },
      flags: [parseSetFlag("algorithm.batchSize=3"), parseSetFlag("algorithm.batchSize=4")],
    });
    expect(config.algorithm).toMatchObject({ batchSize: 4, tau: 0.2, gamma: 0.5, nStep: 1 });
    expect(describeSource(source("algorithm.batchSize"))).toBe("--set algorithm.batchSize=4");
    expect(describeSource(source("algorithm.tau"))).toBe("TROUPE_ALGORITHM__TAU");
    expect(describeSource(source("algorithm.gamma"))).toBe(`${file}:4:3`);
  });

  test("reads counts in every common notation", async () => {
    const file = await yamlFile("totalSteps: 2_000_000\nreplay: { capacity: 5e5 }\n");
    const { config } = await loadConfig({
      file,
      flags: [parseSetFlag("algorithm.batchSize=1_024"), parseSetFlag("actors.count=auto")],
    });
    expect(config.totalSteps).toBe(2_000_000);
    expect(config.replay.capacity).toBe(500_000);
    expect(config.algorithm.batchSize).toBe(1024);
    expect(config.actors.count).toBe("auto");
  });

  test("takes whole sections, lists, empty sections, anchors and environment options", async () => {
    const file = await yamlFile(
      "learner:\n  # all of it commented out\nalgorithm:\n  learningRates: { actor: &rate 1e-3, critic: *rate }\nenv: { options: { a: 1, b: 2 } }\n",
    );
    const { config } = await loadConfig({
      file,
      flags: [
        parseSetFlag("algorithm={hidden: [64, 32], nStep: 2}"),
        parseSetFlag("env.options.b=x=y"),
      ],
    });
    expect(config.algorithm.learningRates).toMatchObject({ actor: 1e-3, critic: 1e-3 });
    expect(config.algorithm).toMatchObject({ hidden: [64, 32], nStep: 2, batchSize: 256 });
    expect(config.env.options).toEqual({ a: 1, b: "x=y" });
  });

  test("names file, line, column and the nearest key for an unknown one", async () => {
    const file = await yamlFile("seed: 1\nalgorithm:\n  batchsize: 64\nbatchSize: 64\nxyzzy: 1\n");
    const lines = (await refusal({ file })).split("\n");
    expect(lines[0]).toBe(
      "run.yaml:3:3: unknown key algorithm.batchsize (did you mean algorithm.batchSize?)",
    );
    expect(lines[1]).toBe(
      "run.yaml:4:1: unknown key batchSize (did you mean algorithm.batchSize?)",
    );
    expect(lines[2]).toMatch(/^run\.yaml:5:1: unknown key xyzzy \(the top level holds env, seed, /);
    expect(lines).toHaveLength(3);
  });

  test("finds the place of a section that was written into another", async () => {
    const file = await yamlFile("algorithm:\n  drm: { enabled: true }\n");
    expect(await refusal({ file })).toBe(
      "run.yaml:2:3: unknown key algorithm.drm (did you mean drm?)",
    );
    expect(await refusal({ flags: [parseSetFlag("algorithm.ppo.mode=overlapped")] })).toBe(
      "--set algorithm.ppo.mode=overlapped: unknown key algorithm.ppo.mode (did you mean ppo.mode?)",
    );
  });

  test.each([
    ["algorithm: [\n", /^run\.yaml:2:1: /],
    ["a: 1\n  b: 2\n", /^run\.yaml:\d:\d: /],
    ["seed: 1\nseed: 2\n", /^run\.yaml:2:1: .*unique/],
    ["- 1\n", /^run\.yaml:1:1: a configuration is a mapping/],
    ["__proto__: { polluted: 1 }\n", /^run\.yaml:1:1: unknown key __proto__/],
    ["algorithm: 3\n", /^run\.yaml:1:1: algorithm must be a section with the keys name, /],
    [
      "algorithm:\n  gamma: high\n",
      /^run\.yaml:2:3: algorithm\.gamma must be a number, not "high"/,
    ],
    ["seed: -1\n", /^run\.yaml:1:1: seed must be at least 0, not -1/],
    [
      "algorithm: { hidden: [] }\n",
      /algorithm\.hidden must be a list of at least 1 entry, not \[\]/,
    ],
    ["algorithm: { hidden: 64 }\n", /algorithm\.hidden must be a list in brackets, .* not 64/],
    ["algorithm: { gamma: .nan }\n", /algorithm\.gamma must be a number, not NaN/],
    [
      "replay: { sampling: prioritised }\n",
      /replay\.sampling must be uniform or prioritized or lap, not "prioritised" \(did you mean prioritized\?\)/,
    ],
    ["totalSteps: 1.5\n", /totalSteps must be a whole number .*, not 1.5/],
    ["totalSteps: lots\n", /totalSteps must be a whole number of at least 1, .* not "lots"/],
    ["run: { name: ../elsewhere }\n", /run\.name must start with a letter or digit/],
  ])("refuses %j in one clear sentence", async (text, message) => {
    expect(await refusal({ file: await yamlFile(text) })).toMatch(message);
  });

  test.each([
    ["algorithm.batchSize=2e6", /batchSize is 2000000, more than replay.capacity \(1000000\)/],
    ["replay.capacity=300", /learningStarts is 10000, more than replay.capacity \(300\)/],
    ["totalSteps=500", /learningStarts is 10000, so a run of totalSteps 500 would end before/],
    ["actors.unrollLength=2e6", /unrollLength is 2000000, more than replay.capacity/],
    ["algorithm.nStep=9", /nStep is 9, longer than an unroll \(actors.unrollLength is 8\)/],
    ["replay.errorBuffer=1000", /errorBuffer is 1000, .*deadlock.* at least 1152/],
    ["algorithm.logStdMin=3", /logStdMin is 3, not below/],
    ["{deterministic: true}", /path=value/],
  ])("refuses --set %s, naming value and way out", async (argument, message) => {
    const load = async () => loadConfig({ flags: [parseSetFlag(argument)] });
    await expect(load()).rejects.toThrow(message);
  });

  test("refuses several actors in a deterministic run", async () => {
    const flags = [parseSetFlag("deterministic=true"), parseSetFlag("actors.count=2")];
    expect(await refusal({ flags })).toMatch(/^--set actors\.count=2: actors\.count is 2, but/);
  });

  test("says so when the file is not there", async () => {
    expect(await refusal({ file: "/nowhere/run.yaml" })).toMatch(/there is no such file/);
  });

  test("refuses misspelt variables but not those that Kubernetes makes for a service", async () => {
    const environment = { TROUPE_PORT_7447_TCP: "tcp://10.0.0.1", TROUPE_SERVICE_HOST: "10.0.0.1" };
    await loadConfig({ environment });
    expect(await refusal({ environment: { TROUPE_SED: "1" } })).toBe(
      "TROUPE_SED: unknown variable (did you mean TROUPE_SEED?)",
    );
    expect(await refusal({ environment: { TROUPE_A__B: "1" } })).toMatch(/^TROUPE_A__B: unknown/);
  });

  test("every field has a variable of its own that sets it", async () => {
    expect(variableName("algorithm.learningRates.actor")).toBe(
      "TROUPE_ALGORITHM__LEARNING_RATES__ACTOR",
    );
    expect(new Set(fields.map(({ path }) => variableName(path))).size).toBe(fields.length);
    const environment = Object.fromEntries(
      fields.map(({ path, initial }) => [variableName(path), JSON.stringify(initial)]),
    );
    const { config, source } = await loadConfig({ environment });
    expect(config).toEqual(parseConfig({}));
    for (const { path } of fields) expect(source(path).kind).toBe("environment");
  });

  test("takes back what it prints", async () => {
    const loaded = await loadConfig({
      flags: [
        parseSetFlag("algorithm.adam.epsilon=1e-5"),
        parseSetFlag("env.options={a: [1, {b: 2}]}"),
      ],
    });
    for (const text of [configYaml(loaded.config), annotatedYaml(loaded)]) {
      const again = await loadConfig({ file: await yamlFile(text) });
      expect(again.config).toEqual(loaded.config);
    }
    expect(annotatedYaml(loaded)).toContain("epsilon: 0.00001 # --set algorithm.adam.epsilon=1e-5");
    expect(annotatedYaml(loaded)).toContain("gamma: 0.99 # default");
  });

  test("answers any YAML text with a configuration or CONFIG_INVALID", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue(),
        fc.constantFrom("", ...fields.map((f) => f.path)),
        async (value, path) => {
          const text = path === "" ? JSON.stringify(value) : `${path}=${JSON.stringify(value)}`;
          try {
            if (path === "") parseConfig(value);
            else await loadConfig({ flags: [parseSetFlag(text)] });
          } catch (thrown) {
            expect(RunError.from(thrown).code).toBe("CONFIG_INVALID");
          }
        },
      ),
    );
  });
});

describe("parseConfig", () => {
  test("fills in what a caller leaves out and names every bad field", () => {
    expect(parseConfig({ algorithm: { batchSize: 64 } }).algorithm.hidden).toEqual([256, 256]);
    expect(() => parseConfig({ algorithm: { batchsize: 1 }, seed: "x" })).toThrow(
      /unknown key algorithm\.batchsize \(did you mean algorithm\.batchSize\?\)/,
    );
  });
});
