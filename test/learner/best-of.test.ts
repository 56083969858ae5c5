import { describe, expect, test } from "vitest";
import { sac, sacDefaults, sacParts } from "../../src/algorithms/sac.ts";
import { twinRules } from "../../src/algorithms/twin-critic.ts";
import { fromArray, read, slice } from "../../src/compile/ops.ts";
import { concatenate, joinGroups, PolicyExporter } from "../../src/learner/export-policy.ts";
import { openPolicy } from "../../src/learner/load-policy.ts";
import { RandomStream } from "../../src/math/random.ts";
import { trainedParameters } from "../algorithms/random-inputs.ts";

const sizes = { observationSize: 4, actionSize: 2, batchSize: 8 };
const ROWS = 5;
const DRAWS = 3;

describe.each(["mse", "c51"] as const)("the best of several draws, by critics of %s", (critic) => {
  const options = {
    ...sacDefaults,
    critic,
    hidden: [12],
    support: { ...sacDefaults.support, atoms: 11 },
  };
  const parts = sacParts(options, sizes);
  const algorithm = sac(options, sizes, parts);
  const values = trainedParameters(algorithm, 4);
  const chooser = algorithm.chooser!(DRAWS);
  const groups = chooser.groups.map(
    (name) => algorithm.groups.find((group) => group.name === name)!,
  );
  const tensors = () =>
    Object.fromEntries(
      groups.map(({ name, parameters }) => [
        name,
        Object.fromEntries(
          parameters.map((spec) => [spec.name, fromArray(values[name]![spec.name]!, spec.shape)]),
        ),
      ]),
    );
  const normals = (count: number, seed: number): Float32Array => {
    const data = new Float32Array(count);
    RandomStream.derive(seed).fillNormal(data);
    return data;
  };
  const observations = normals(ROWS * 4, 1);

  /** What each draw is, and what the critics think of it. */
  async function judge(noise: Float32Array) {
    const { actor, critic: own } = tensors();
    const states = fromArray(observations, [ROWS, 4]);
    const draws = [];
    for (let k = 0; k < DRAWS; k++) {
      const scores = slice(fromArray(noise, [ROWS, 2 * DRAWS]), [2 * k, 2 * k + 2]);
      const { actions } = parts.policy.sample(actor!, states, scores);
      const [first, second] = parts.critic.outputs(own!, states, actions);
      const value = twinRules.min.value([parts.head.value(first), parts.head.value(second)]);
      draws.push({ actions: await read(actions), value: await read(value) });
    }
    return draws;
  }

  async function expected(noise: Float32Array): Promise<number[]> {
    const draws = await judge(noise);
    const chosen = new Set<number>();
    const actions = Array.from({ length: ROWS }, (_, row) => {
      const scores = draws.map(({ value }) => value[row]!);
      const best = scores.indexOf(Math.max(...scores));
      chosen.add(best);
      return [...draws[best]!.actions.subarray(2 * row, 2 * row + 2)];
    });
    // Otherwise a chooser that always takes the same would do.
    expect(chosen.size).toBeGreaterThan(1);
    return actions.flat();
  }

  test("is the one that the more pessimistic critic thinks the most of", async () => {
    const noise = normals(ROWS * 2 * DRAWS, 2);
    const states = fromArray(observations, [ROWS, 4]);
    const chosen = chooser.choose(tensors(), states, fromArray(noise, [ROWS, 2 * DRAWS]));
    const found = await read(chosen);
    for (const [i, action] of (await expected(noise)).entries()) {
      expect(found[i]).toBeCloseTo(action, 5);
    }
  });

  test("is found by the model that is evaluated, too, in the environment's units", async () => {
    const exporter = new PolicyExporter({
      policy: algorithm.policy,
      group: joinGroups(groups),
      scale: { middle: Float32Array.of(1, 0), halfRange: Float32Array.of(2, 1) },
      clip: undefined,
      chooser,
    });
    const flat = groups.map(({ name, parameters }) =>
      concatenate(parameters.map((spec) => values[name]![spec.name]!)),
    );
    const model = exporter.encode({
      parameters: concatenate(flat),
      normalizer: new Float32Array(2 * 4),
    });
    const random = () => RandomStream.derive(7);
    await using policy = await openPolicy(model, "test", random());
    const noise = new Float32Array(ROWS * 2 * DRAWS);
    random().fillNormal(noise);
    const found = await policy.act(observations);
    for (const [i, action] of (await expected(noise)).entries()) {
      expect(found[i]).toBeCloseTo(i % 2 === 0 ? 1 + 2 * action : action, 4);
    }
    // The next draws are others.
    expect(await policy.act(observations)).not.toEqual(found);
  });
});
