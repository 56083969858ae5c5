import { describe, expect, test } from "vitest";
import { pmoeDefaults } from "../../src/algorithms/pmoe.ts";
import { sacDefaults } from "../../src/algorithms/sac.ts";
import { gaussianPolicy } from "../../src/algorithms/squashed-gaussian.ts";
import { RunError } from "../../src/errors.ts";
import { blamePlugins, checkedCritic, checkedPolicy } from "../../src/learner/check-plugin.ts";

const sizes = { observationSize: 3, actionSize: 2 };
const FILE = "mine.ts";

describe("what a plugin adds", () => {
  test.each<[string, unknown, RegExp]>([
    [
      "a number",
      3,
      /^plugin mine\.ts: critics\.mine must be a function that makes a CriticHead, not 3$/,
    ],
    ["nothing", () => undefined, /critics\.mine made undefined, not an object/],
    [
      "a promise",
      async () => ({ outputs: 1 }),
      /what critics\.mine made must have outputs, a whole number of at least 1, not undefined/,
    ],
    [
      "half a head",
      () => ({ outputs: 2, value: () => 0, toward: () => 0 }),
      /what critics\.mine made must have backUp, a function, not undefined/,
    ],
    [
      "no outputs",
      () => ({ outputs: 0 }),
      /must have outputs, a whole number of at least 1, not 0/,
    ],
  ])("is no critic if it is %s", (_, make, message) => {
    expect(() => checkedCritic(FILE, "mine", make)(sacDefaults)).toThrow(message);
  });

  test.each<[string, unknown, RegExp]>([
    ["a number", 7, /policies\.mine must be an object with a function for sac, ppo or both/],
    ["an object of others", { td3: () => 1 }, /policies\.mine must be an object with a function/],
    ["a text", { sac: "gaussian" }, /must have functions for sac and ppo, not gaussian/],
    [
      "half a policy",
      { sac: () => ({ parameters: [], noiseSize: 2 }) },
      /what policies\.mine made must have lossNoiseSize/,
    ],
  ])("is no policy if it is %s", (_, family, message) => {
    const made = () => checkedPolicy(FILE, "mine", family).sac?.(sizes, sacDefaults);
    expect(made).toThrow(message);
  });

  test("is used as it is if it is complete", () => {
    const own = gaussianPolicy(3, 2, sacDefaults);
    const { sac, ppo } = checkedPolicy(FILE, "mine", { sac: () => own });
    expect(sac?.(sizes, { ...sacDefaults, pmoe: pmoeDefaults })).toBe(own);
    expect(ppo).toBeUndefined();
  });
});

describe("an error while a learner is put together", () => {
  const thrower = (thrown: unknown) => async () => {
    throw thrown;
  };
  /** As if a user's file had thrown it. */
  function foreign(): Error {
    const error = new TypeError("x.nothing is undefined");
    error.stack = "TypeError: x.nothing\n    at value (file:///home/me/mine.ts:12:5)";
    return error;
  }

  test("of a plugin's code is the plugin's, with its place", async () => {
    const refusal = await blamePlugins([FILE], thrower(foreign())).catch((e: unknown) => e);
    expect(RunError.from(refusal).code).toBe("CONFIG_INVALID");
    expect(RunError.from(refusal).message).toMatch(
      /^x\.nothing is undefined \(.*mine\.ts:12:5\), from plugins\.files \(mine\.ts\)$/,
    );
  });

  test("of anybody else's stays what it is", async () => {
    const ours = new TypeError("ours");
    ours.stack = "TypeError: ours";
    const foreseen = new RunError("OUT_OF_MEMORY", "no room");
    for (const thrown of [ours, foreseen]) {
      await expect(blamePlugins([FILE], thrower(thrown))).rejects.toBe(thrown);
    }
    const unasked = foreign();
    await expect(blamePlugins([], thrower(unasked))).rejects.toBe(unasked);
  });
});
