import { describe, expect, test } from "vitest";
import { makeAlgorithm, type Problem } from "../../src/algorithms/registry.ts";
import { RunError } from "../../src/errors.ts";

const box = { kind: "box", size: 2, low: Float32Array.of(-1, -1), high: Float32Array.of(1, 1) };
const problem = { observationSize: 3, actionSpace: box, batchSize: 4 } as Problem;

function refusal(make: () => unknown): RunError {
  try {
    make();
  } catch (thrown) {
    if (thrown instanceof RunError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

describe("makeAlgorithm", () => {
  test("makes SAC for the sizes of the problem, with defaults for what is left out", () => {
    const algorithm = makeAlgorithm("sac", { tau: 0.01 }, problem);
    expect(algorithm.targets).toEqual([{ target: "targetCritic", source: "critic", tau: 0.01 }]);
    expect(algorithm.batch).toContainEqual({ name: "observations", shape: [4, 3] });
    const shapes = algorithm.groups.find((group) => group.name === "actor")?.parameters;
    expect(shapes?.map(({ name, shape }) => [name, shape])).toEqual([
      ["hidden0.weight", [3, 256]],
      ["hidden0.bias", [256]],
      ["hidden1.weight", [256, 256]],
      ["hidden1.bias", [256]],
      ["output.weight", [256, 4]],
      ["output.bias", [4]],
    ]);
  });

  test("names the nearest algorithm when there is none of that name", () => {
    const error = refusal(() => makeAlgorithm("sca", {}, problem));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toBe(
      'unknown algorithm "sca" (did you mean sac?); known: sac, drqv2, ppo',
    );
    expect(refusal(() => makeAlgorithm("constructor", {}, problem)).code).toBe("CONFIG_INVALID");
  });

  test("refuses discrete actions in one sentence", () => {
    const discrete: Problem = { ...problem, actionSpace: { kind: "discrete", count: 4 } };
    const error = refusal(() => makeAlgorithm("sac", {}, discrete));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toMatch(/needs continuous actions/);
  });
});
