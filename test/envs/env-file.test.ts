import { describe, expect, test } from "vitest";
import { loadEnvFile } from "../../src/envs/env-file.ts";

const file = (name: string) => new URL(`../fixtures/envs/files/${name}`, import.meta.url).pathname;

describe("loadEnvFile", () => {
  test("returns the factory a file exports", async () => {
    const make = await loadEnvFile(file("countdown.mjs"));
    expect(await make()).toMatchObject({ id: "Countdown" });
  });

  test.for([
    ["absent.mjs", "absent.mjs"],
    ["throws.mjs", "no licence"],
    ["no-factory.mjs", '"env" or "makeEnv"'],
  ] as const)("refuses %s", async ([name, reason]) => {
    await expect(loadEnvFile(file(name))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(reason),
    });
  });

  test("names each missing part of what a factory makes", async () => {
    const make = await loadEnvFile(file("no-env.mjs"));
    const failure = await make().catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: "ENV_FAILED" });
    for (const part of ["observationSpace", "actionSpace", "maxEpisodeSteps", "close"]) {
      expect(String(failure)).toContain(part);
    }
  });

  const importsTypeScript = "typescript" in process.features && process.features.typescript;

  test.runIf(importsTypeScript)("imports TypeScript where Node does", async () => {
    const make = await loadEnvFile(file("typed.ts"));
    await expect(make()).rejects.toThrow("made");
  });

  test.runIf(!importsTypeScript)("says what to do about TypeScript elsewhere", async () => {
    await expect(loadEnvFile(file("typed.ts"))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("compile it to .js"),
    });
  });
});
