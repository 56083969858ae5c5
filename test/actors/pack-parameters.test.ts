import { describe, expect, test } from "vitest";
import { PACKED, packParameters } from "../../src/actors/pack-parameters.ts";
import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import { ppo, ppoDefaults } from "../../src/algorithms/ppo.ts";
import { sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { Program } from "../../src/compile/program.ts";
import { compilePolicy } from "../../src/learner/compile-policy.ts";
import { RandomStream } from "../../src/math/random.ts";

const sizes = { observationSize: 5, actionSize: 3, batchSize: 4 };
const isParameter = (name: string) => name !== "observations" && name !== "noise";

/** Random numbers for all inputs, parameters in the order of the program. */
async function runBoth(algorithm: Algorithm) {
  const bytes = compilePolicy(algorithm, 2);
  await using plain = await Program.load(bytes);
  await using packed = await Program.load(packParameters(bytes, isParameter));
  const random = RandomStream.derive(1, "inputs");
  const values: number[] = [];
  const one = plain.bind();
  const other = packed.bind();
  for (const { name } of plain.inputs) {
    const column = one.inputs[name] ?? new Float32Array();
    random.fillNormal(column);
    if (isParameter(name)) values.push(...column);
    else other.inputs[name]?.set(column);
  }
  other.inputs[PACKED]?.set(values);
  await one.run();
  await other.run();
  return { packed: packed.inputs.map(({ name }) => name), one: one.outputs, other: other.outputs };
}

describe("packParameters", () => {
  const algorithms: [string, Algorithm][] = [
    ["PPO's", ppo({ ...ppoDefaults, hidden: [8, 8] }, sizes)],
    ["SAC's", sac({ ...sacDefaults, hidden: [8, 8] }, sizes)],
  ];
  test.each(algorithms)(
    "makes one input of them and changes no bit of %s outputs",
    async (_, algorithm) => {
      const { packed, one, other } = await runBoth(algorithm);
      expect(packed.toSorted()).toEqual(["noise", "observations", PACKED]);
      expect(other).toEqual(one);
      expect(one["actions"]?.some((x) => x !== 0)).toBe(true);
    },
  );

  test("leaves large networks as they are", () => {
    const bytes = compilePolicy(sac({ ...sacDefaults, hidden: [256, 256] }, sizes), 1);
    expect(packParameters(bytes, isParameter)).toBe(bytes);
  });
});
