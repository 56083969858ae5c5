import { describe, expect, test } from "vitest";
import { CompiledPolicy } from "../../src/actors/compiled-policy.ts";
import { initialParameters } from "../../src/algorithms/networks.ts";
import { pmoeDefaults } from "../../src/algorithms/pmoe.ts";
import { sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { checkExport } from "../../src/learner/check-export.ts";
import { compilePolicy } from "../../src/learner/compile-policy.ts";
import { PolicyExporter } from "../../src/learner/export-policy.ts";
import { openPolicy } from "../../src/learner/load-policy.ts";
import { RandomStream } from "../../src/math/random.ts";

const ROWS = 500;
const sizes = { observationSize: 3, actionSize: 2, batchSize: 8 };
const algorithm = sac(
  { ...sacDefaults, hidden: [8], pmoe: { ...pmoeDefaults, experts: 3 } },
  sizes,
);
const group = algorithm.groups.find(({ name }) => name === "actor")!;
/** Of each expert in the first dimension; nearly without deviation. */
const means = [-1, 0.2, 1.5];
const gate = [0.2, 0.5, 0.3];

/** Parameters with which nothing depends on the observation. */
function parameters(): Float32Array {
  const values = initialParameters(algorithm, 1)["actor"]!;
  values["output.weight"]!.fill(0);
  values["gate.weight"]!.fill(0);
  values["gate.bias"]!.set(gate.map(Math.log));
  const flat = means.flatMap((mean) => [mean, 0]);
  values["output.bias"]!.set([...flat, ...flat.map(() => -30)]);
  return Float32Array.from(group.parameters.flatMap(({ name }) => [...values[name]!]));
}

function normals(length: number, name: string): Float32Array {
  const values = new Float32Array(length);
  RandomStream.derive(3, name).fillNormal(values);
  return values;
}

describe("a mixture of experts", () => {
  test("acts in actors' threads, each expert as often as the gate says", async () => {
    await using policy = await CompiledPolicy.load(compilePolicy(algorithm, ROWS), {
      normalizes: false,
    });
    expect(policy).toMatchObject({ observationSize: 3, actionSize: 2, noiseSize: 3 });
    policy.setParameters(parameters(), new Float32Array(6));
    const actions = new Float32Array(2 * ROWS);
    const counts = [0, 0, 0];
    for (let k = 0; k < 10; k++) {
      await policy.run({
        observations: normals(3 * ROWS, `observations ${k}`),
        noise: normals(3 * ROWS, `noise ${k}`),
        actions,
      });
      for (let i = 0; i < ROWS; i++) {
        const distances = means.map((mean) => Math.abs(Math.tanh(mean) - actions[2 * i]!));
        counts[distances.indexOf(Math.min(...distances))]! += 1;
      }
    }
    // Three standard errors of 5000 draws are 0.021.
    for (const [k, count] of counts.entries()) {
      expect(Math.abs(count / (10 * ROWS) - gate[k]!)).toBeLessThan(0.021);
    }
  });

  test("is exported with its likeliest expert, and checked", async () => {
    const scale = { middle: Float32Array.of(0, 0), halfRange: Float32Array.of(2, 1) };
    const shape = { policy: algorithm.policy, group, scale, clip: 10 };
    const normalizer = Float32Array.of(0, 0, 0, 1, 1, 1);
    const likeliest = { parameters: parameters(), normalizer };
    const exporter = new PolicyExporter(shape);
    await using policy = await openPolicy(exporter.encode(likeliest), "a mixture");
    const action = await policy.act([0.5, -1, 2, 0, 0, 0]);
    expect(action).toHaveLength(4);
    expect(action[0]).toBeCloseTo(2 * Math.tanh(0.2), 5);
    expect(action[2]).toBeCloseTo(2 * Math.tanh(0.2), 5);

    // With the weights it starts with, different experts are the likeliest in different states.
    const values = initialParameters(algorithm, 1)["actor"]!;
    const start = Float32Array.from(group.parameters.flatMap(({ name }) => [...values[name]!]));
    const weights = { parameters: start, normalizer };
    const difference = await checkExport(
      exporter.encode(weights),
      { ...shape, ...weights },
      normals(3 * 200, "recorded"),
    );
    expect(difference).toBeLessThan(1e-5);
    const other = { ...shape, ...weights, parameters: parameters() };
    const observations = normals(3 * 200, "recorded");
    await expect(checkExport(exporter.encode(weights), other, observations)).rejects.toThrow(
      /differs from the learner's/,
    );
  });
});
