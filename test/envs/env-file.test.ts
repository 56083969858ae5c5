import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadEnvFile } from "../../src/envs/env-file.ts";
import { runCli } from "../cli/run-cli.ts";

const file = (name: string) => new URL(`../fixtures/envs/files/${name}`, import.meta.url).pathname;

describe("loadEnvFile", () => {
  test("returns the factory a file exports", async () => {
    const { make, info } = await loadEnvFile(file("countdown.mjs"));
    expect(await make()).toMatchObject({ id: "Countdown" });
    expect(info).toMatchObject({ id: "countdown", group: "own", source: file("countdown.mjs") });
  });

  test.for([
    ["absent.mjs", "absent.mjs: there is no such file: /"],
    ["throws.mjs", "no licence ("],
    ["no-factory.mjs", '"env" or "makeEnv"; it exports '],
    ["class.mjs", "export default (options) => new Lamp(options)"],
    ["instance.mjs", "it exports an environment; export a function that makes one"],
  ] as const)("refuses %s", async ([name, reason]) => {
    await expect(loadEnvFile(file(name))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(reason),
    });
  });

  test("says where a factory has thrown", async () => {
    const { make } = await loadEnvFile(file("factory-throws.mjs"));
    await expect(make()).rejects.toMatchObject({
      code: "ENV_FAILED",
      message: expect.stringMatching(
        /factory-throws\.mjs: making the environment threw: no licence \(.*factory-throws\.mjs:2:9\)/,
      ),
    });
  });

  test("names each missing part of what a factory makes", async () => {
    const { make } = await loadEnvFile(file("no-env.mjs"));
    const failure = await make().catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: "ENV_FAILED" });
    for (const part of ["observationSpace", "actionSpace", "maxEpisodeSteps", "close"]) {
      expect(String(failure)).toContain(part);
    }
  });
});

/** In a process of its own: Vitest has a loader that would understand TypeScript anyway. */
describe("a TypeScript file on any Node", () => {
  let folder: string;

  beforeEach(() => {
    // Outside the project, where no node_modules has "troupe".
    folder = mkdtempSync(join(tmpdir(), "troupe-own-"));
    cpSync(file("typescript"), folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("is loaded with its own imports, and finds troupe from anywhere", () => {
    const { code, stdout, stderr } = runCli(["env", "show", join(folder, "slider.ts"), "--json"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      id: "slider",
      observationSpace: { size: 3 },
      actionSpace: { size: 1, low: [-1], high: [1] },
      maxEpisodeSteps: 50,
      dt: 0.004,
      canCheckpoint: true,
    });
  }, 20_000);

  test("says where in the file something throws", () => {
    writeFileSync(
      join(folder, "broken.ts"),
      "type Name = string;\n\nexport default (name: Name): never => {\n  throw new Error(name);\n};\nconst x: number = (undefined as never)[0];\n",
    );
    const { code, stderr } = runCli(["env", "show", join(folder, "broken.ts")]);
    expect(code).toBe(2);
    expect(stderr).toContain("broken.ts:6:39");
  });

  test.for([
    ["enum Way { Up }\nexport const a = 1;\n", "broken.ts:1:1: TypeScript enum is not supported"],
    ["export const a = ;\n", "broken.ts:1:18: Expression expected"],
  ] as const)("shows what it cannot read: %s", { timeout: 20_000 }, ([text, message]) => {
    writeFileSync(join(folder, "broken.ts"), text);
    const { code, stderr } = runCli(["env", "show", join(folder, "broken.ts")]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    // Where Node's own code was at is no help.
    expect(stderr).not.toContain("/modules/");
  });
});
