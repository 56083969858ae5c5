import { defaultDevice, init } from "@jax-js/jax";
import { beforeAll, describe, expect, test } from "vitest";
import { criticHead } from "../../../src/algorithms/critics/registry.ts";
import { drm } from "../../../src/algorithms/drm/drm.ts";
import {
  type DrmOptions,
  drmDefaults,
  expectileError,
  exploitationShare,
} from "../../../src/algorithms/drm/guidance.ts";
import { pmoeDefaults } from "../../../src/algorithms/pmoe.ts";
import { type SacOptions, sac, sacDefaults } from "../../../src/algorithms/sac.ts";
import { twinRules } from "../../../src/algorithms/twin-critic.ts";
import {
  fromArray,
  mean,
  read,
  scalar,
  sub,
  type Tensor,
  valueAndGrad,
} from "../../../src/compile/ops.ts";
import { compileUpdate, traceCompiled } from "../compiled-update.ts";
import { drawInputs, trainedParameters } from "../random-inputs.ts";
import { ReferenceUpdate } from "../reference-update.ts";
import { traceError, traceReference } from "../update-trace.ts";

beforeAll(async () => {
  await init("wasm");
  defaultDevice("wasm");
});

const sizes = { observationSize: 6, actionSize: 3, batchSize: 32 };
const options: SacOptions = { ...sacDefaults, hidden: [32, 32], initialTemperature: 0.5 };
const column = (...values: number[]) => fromArray(Float32Array.from(values), [values.length]);

function withDrm(own: Partial<DrmOptions> = {}, sacOptions: Partial<SacOptions> = {}) {
  return drm({ ...options, ...sacOptions, drm: { ...drmDefaults, ...own } }, sizes);
}

describe("the expectile value", () => {
  test.each([0.9, 0.7, 0.5])("of a fair coin is %d", async (expectile) => {
    const outcomes = column(0, 1);
    let value = 0.5;
    for (let k = 0; k < 20; k++) {
      const { gradient } = valueAndGrad(
        ({ v }: { v: Tensor }) => ({
          value: mean(expectileError(sub(v, outcomes), expectile)),
          aux: {},
        }),
        { v: scalar(value) },
      );
      value -= 0.5 * (await read(gradient.v))[0]!;
    }
    expect(value).toBeCloseTo(expectile, 3);
  });
});

describe("the share of the target that exploits", () => {
  test.each([
    [0, 0.59997],
    [0.1, 0.59598],
    [0.15, 0.55449],
    [0.2, 0.3],
    [0.25, 0.04551],
    [0.3, 0.00402],
    [0.4, 2.7e-5],
  ])("at a dormant ratio of %d is %d", async (ratio, expected) => {
    const share = await read(exploitationShare(scalar(ratio), scalar(0.2), drmDefaults));
    expect(Math.abs(share[0]! - expected)).toBeLessThan(1e-5);
  });
});

describe("exploitation in a target", () => {
  const support = { atoms: 21, min: -10, max: 10, locations: "atoms" as const };
  const backup = {
    returns: column(1, -2),
    discounts: column(0.9, 0),
    entropyCost: column(0.5, 0.5),
    exploitation: { value: column(4, 100), weight: scalar(0.25) },
  };

  // (1 - lambda) (Q' - cost) + lambda V', and nothing of either after a termination.
  const expected = [1 + 0.9 * (0.75 * (2 - 0.5) + 0.25 * 4), -2];

  test("mixes values", async () => {
    const head = criticHead("mse", { ...sacDefaults, support });
    const next = [
      fromArray(Float32Array.of(3, 7), [2, 1]),
      fromArray(Float32Array.of(2, 8), [2, 1]),
    ];
    const target = head.backUp({ ...backup, next: [next[0]!, next[1]!] }, twinRules.min);
    for (const [i, value] of (await read(target.value)).entries()) {
      expect(value).toBeCloseTo(expected[i]!, 5);
    }
  });

  test("mixes the distributions of c51, whose mean is that of the values", async () => {
    const head = criticHead("c51", { ...sacDefaults, support });
    // All mass on the atom at 2: index 12.
    const logits = Float32Array.from({ length: 42 }, (_, i) => (i % 21 === 12 ? 40 : 0));
    const next = fromArray(logits, [2, 21]);
    const { value, compare } = head.backUp({ ...backup, next: [next, next] }, twinRules.min);
    for (const [i, y] of (await read(value)).entries()) expect(y).toBeCloseTo(expected[i]!, 3);
    // What a critic that knows nothing is told: the gradient of its logits is p^ - p.
    const { gradient } = valueAndGrad(
      ({ own }: { own: Tensor }) => ({ value: mean(compare(own).loss), aux: {} }),
      { own: fromArray(new Float32Array(42), [2, 21]) },
    );
    const slopes = await read(gradient.own);
    const meanOf = (row: number): number =>
      Array.from({ length: 21 }, (_, i) => (i - 10) * (1 / 21 - 2 * slopes[21 * row + i]!)).reduce(
        (sum, x) => sum + x,
        0,
      );
    expect(meanOf(0)).toBeCloseTo(expected[0]!, 2);
    expect(meanOf(1)).toBeCloseTo(expected[1]!, 2);
  });
});

describe("the compiled DrM update", { timeout: 30_000 }, () => {
  // Ten updates of the plain executor each, and two compilations.
  test.each([
    ["as it comes", {}, {}],
    ["by entropy, with categorical critics", { exploration: "entropy" }, { critic: "c51" }],
    ["without exploitation", { exploitation: 0 }, {}],
    ["with a mixture of experts", {}, { pmoe: { ...pmoeDefaults, experts: 2 } }],
  ] as const)("equals the plain one: %s", async (_, own, sacOptions) => {
    const algorithm = withDrm(own, {
      ...sacOptions,
      support: { ...sacDefaults.support, min: -9, max: 9 },
    });
    const start = trainedParameters(algorithm, 1);
    const reference = new ReferenceUpdate(algorithm, start);
    await using step = await compileUpdate(algorithm, start);
    for (let k = 1; k <= 10; k++) {
      const { batch, noise } = drawInputs(algorithm, k);
      const results = await reference.step(batch, noise);
      const trace = traceCompiled(step, await step.step(batch, noise));
      const { error, where } = traceError(trace, traceReference(reference, results));
      expect(error, `${where} after ${k} updates`).toBeLessThanOrEqual(1e-4);
    }
  });

  test("decides by the dormant ratio of its own batch how much is exploited", async () => {
    const algorithm = withDrm();
    await using step = await compileUpdate(algorithm, trainedParameters(algorithm, 1));
    const { batch, noise } = drawInputs(algorithm, 1);
    for (const target of [0.01, 0.5]) {
      step.setConstant("drm", "target", target);
      expect(() => step.setConstant("drm", "unknown", 1)).toThrow(RangeError);
      const { metrics } = await step.step(batch, noise);
      const ratio = metrics["drm/dormant_ratio"]!;
      const share = await read(exploitationShare(scalar(ratio), scalar(target), drmDefaults));
      expect(metrics["drm/exploitation"]).toBeCloseTo(share[0]!, 4);
    }
  });

  test("leaves the policy's and the temperature's update as SAC's", async () => {
    const [plain, withV] = [sac(options, sizes), withDrm()];
    const start = trainedParameters(withV, 1);
    const { batch, noise } = drawInputs(withV, 1);
    const numbers = await Promise.all(
      [plain, withV].map(async (algorithm) => {
        const reference = new ReferenceUpdate(algorithm, start);
        const stage = algorithm.stages.find(({ name }) => name === "actor")!;
        return (await reference.evaluate(stage, batch, noise)).metrics;
      }),
    );
    expect(numbers[1]).toEqual(numbers[0]);
  });
});

describe("actors' exploration", () => {
  const { policy } = withDrm();
  const plain = sac(options, sizes).policy;
  const parameters = Object.fromEntries(
    sac(options, sizes)
      .groups.find(({ name }) => name === "actor")!
      .parameters.map(({ name, shape }) => {
        const size = shape.reduce((count, length) => count * length, 1);
        return [
          name,
          fromArray(
            Float32Array.from({ length: size }, (_, i) => Math.sin(i) / 8),
            shape,
          ),
        ];
      }),
  );
  const observations = fromArray(
    Float32Array.from({ length: 12 }, (_, i) => Math.cos(i)),
    [2, 6],
  );
  const own = Float32Array.of(0.3, -1, 0.2, 1.1, 0.4, -0.6);
  const added = Float32Array.of(5, -0.2, 0.1, 0.5, -9, 0);
  const both = (row: number) => [
    ...own.subarray(3 * row, 3 * row + 3),
    ...added.subarray(3 * row, 3 * row + 3),
  ];

  test("adds noise of the size it is told to what the policy draws, and stays in bounds", async () => {
    const noise = fromArray(Float32Array.from([...both(0), ...both(1)]), [2, 6]);
    const drawn = await read(plain.sample(parameters, observations, fromArray(own, [2, 3])));
    for (const sigma of [0, 0.5]) {
      const all = { ...parameters, exploration: scalar(sigma) };
      const actions = await read(policy.sample(all, observations, noise));
      for (const [i, action] of actions.entries()) {
        const sum = drawn[i]! + sigma * added[i]!;
        expect(action).toBeCloseTo(Math.max(-1, Math.min(sum, 1)), 5);
      }
    }
    expect(policy.noiseSize).toBe(6);
    expect(policy.settings?.map(({ name }) => name)).toEqual(["exploration"]);
  });

  test("is not there unless it is additive", () => {
    const { policy: other } = withDrm({ exploration: "off" });
    expect(other.settings).toBeUndefined();
    expect(other.noiseSize).toBe(plain.noiseSize);
  });
});
