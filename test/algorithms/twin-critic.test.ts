import { defaultDevice, init } from "@jax-js/jax";
import { beforeAll, describe, expect, test } from "vitest";
import { regression, regressionErrors } from "../../src/algorithms/critics/regression.ts";
import { twinCritic, twinRules } from "../../src/algorithms/twin-critic.ts";
import { fromArray, read, sum, type Tensor, valueAndGrad } from "../../src/compile/ops.ts";

beforeAll(async () => {
  await init("wasm");
  defaultDevice("wasm");
});

const vector = (...values: number[]) => fromArray(Float32Array.from(values), [values.length]);

describe("twin critic", () => {
  test("gives each pair of state and action two values", async () => {
    const options = { hidden: [], activation: "relu", initialisation: "uniform" } as const;
    const head = regression("squared");
    const critic = twinCritic({ observationSize: 2, actionSize: 1 }, head, options);
    const weight = (...w: number[]) => fromArray(Float32Array.from(w), [3, 1]);
    const parameters = {
      "q1.output.weight": weight(1, 10, 100),
      "q1.output.bias": vector(0.5),
      "q2.output.weight": weight(-1, 0, 0),
      "q2.output.bias": vector(0),
    };
    const observations = fromArray(Float32Array.of(1, 2, 3, 4), [2, 2]);
    const actions = fromArray(Float32Array.of(5, -1), [2, 1]);
    const [first, second] = critic.outputs(parameters, observations, actions);
    const values = [head.value(first), head.value(second)] as const;
    expect([...(await read(values[0]))]).toEqual([521.5, -56.5]);
    expect([...(await read(values[1]))]).toEqual([-1, -3]);
    expect([...(await read(twinRules.min.value(values)))]).toEqual([-1, -56.5]);
    expect([...(await read(twinRules.mean.value(values)))]).toEqual([260.25, -29.75]);
  });

  test("becomes one distribution: that with the smaller mean, or the average", async () => {
    const rows = (...p: number[]) => fromArray(Float32Array.from(p), [2, 2]);
    const probabilities = [rows(0.5, 0.5, 1, 0), rows(0.25, 0.75, 0, 1)] as const;
    const values = [vector(1, 2), vector(0, 3)] as const;
    const { min, mean } = twinRules;
    expect([...(await read(min.distribution(probabilities, values)))]).toEqual([0.25, 0.75, 1, 0]);
    expect([...(await read(mean.distribution(probabilities, values)))]).toEqual([
      0.375, 0.625, 0.5, 0.5,
    ]);
  });
});

describe("regression errors", () => {
  const deltas = [-3, -1.5, -0.5, 0, 0.25, 2];
  const evaluate = async (error: (delta: Tensor) => Tensor) => {
    const { aux, gradient } = valueAndGrad(
      (at: Tensor) => {
        const errors = error(at);
        return { value: sum(errors), aux: errors };
      },
      vector(...deltas),
    );
    return { errors: [...(await read(aux))], slopes: [...(await read(gradient))] };
  };

  test("squared is delta squared", async () => {
    const { errors, slopes } = await evaluate(regressionErrors.squared);
    expect(errors).toEqual(deltas.map((x) => x * x));
    expect(slopes).toEqual(deltas.map((x) => 2 * x));
  });

  test("huber turns linear at one", async () => {
    const { errors, slopes } = await evaluate(regressionErrors.huber);
    expect(errors).toEqual(deltas.map((x) => (Math.abs(x) <= 1 ? x * x * 0.5 : Math.abs(x) - 0.5)));
    expect(slopes).toEqual(deltas.map((x) => Math.min(Math.max(x, -1), 1)));
  });
});
