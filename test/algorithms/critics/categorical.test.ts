import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expectation } from "../../../src/algorithms/critics/categorical.ts";
import type { CriticHead } from "../../../src/algorithms/critics/critic-head.ts";
import { gaussianBins, hlGauss } from "../../../src/algorithms/critics/hl-gauss.ts";
import { criticHead, criticNames } from "../../../src/algorithms/critics/registry.ts";
import { makeSupport } from "../../../src/algorithms/critics/support.ts";
import { sacDefaults } from "../../../src/algorithms/sac.ts";
import { twinRules } from "../../../src/algorithms/twin-critic.ts";
import {
  add,
  fromArray,
  log,
  mul,
  softmax,
  sub,
  sum,
  type Tensor,
} from "../../../src/compile/ops.ts";
import { findField } from "../../../src/config/keys.ts";
import { RandomStream } from "../../../src/math/random.ts";
import {
  type Given,
  given,
  normals,
  runCompiled,
  runEagerly,
  withGradients,
} from "../../compile/compiled.ts";
import { relativeError } from "../closeness.ts";

const ATOMS = 21;
const support = makeSupport({ atoms: ATOMS, min: -5, max: 5, locations: "atoms" });
const options = {
  criticLoss: "squared",
  support: { atoms: ATOMS, min: -5, max: 5, locations: "atoms" },
  sigmaRatio: 0.75,
} as const;
const names = criticNames.filter((name) => name !== "mse");
const head = (name: (typeof names)[number]): CriticHead => criticHead(name, options);

const rowOf = (values: Float32Array, i: number, width = ATOMS): Float32Array =>
  values.slice(i * width, (i + 1) * width);
const sumOf = (values: Float32Array): number => values.reduce((a, b) => a + b, 0);

/** What a backup makes of returns, and how far logits are from it. */
function backUp(of: CriticHead) {
  return ({ logits, next, returns, discounts, cost }: Readonly<Record<string, Tensor>>) => {
    const target = of.backUp(
      {
        returns: returns!,
        discounts: discounts!,
        entropyCost: cost!,
        next: [next!, mul(next!, 0.5)],
      },
      twinRules.min,
    );
    const { loss, priority } = target.compare(logits!);
    return { loss, priority, value: target.value, q: of.value(logits!) };
  };
}

function inputs(values: readonly number[]): Record<string, Given> {
  const n = values.length;
  return {
    logits: normals("logits", [n, ATOMS]),
    next: normals("next", [n, ATOMS]),
    returns: given(values),
    discounts: given(values.map(() => 0.9)),
    cost: given(values.map(() => 0.1)),
  };
}

test("the configuration offers the heads that there are", () => {
  const { accepts } = findField("algorithm.critic")!;
  const ours = criticNames.map((name) => JSON.stringify(name));
  // Any other is to be a plugin's.
  expect(accepts).toBe([...ours, "string"].join(" or "));
});

describe.each(names)("%s", (name) => {
  const finite = (results: Readonly<Record<string, Float32Array>>) => {
    for (const [key, values] of Object.entries(results)) {
      expect(values.every(Number.isFinite), `${key} ${values}`).toBe(true);
    }
  };

  test("stays finite for values far outside of its support", async () => {
    const results = await runCompiled(backUp(head(name)), inputs([1e6, -1e6, 1e30, 0]));
    finite(results);
    // All mass at the end that is nearer: the value of the target is reported as it is.
    expect(results["value"]![0]).toBeGreaterThan(9e5);
  });

  test("stays finite, with its slope, for logits up to 100", async () => {
    const extremes = Array.from({ length: 2 * ATOMS }, (_, i) => [-100, 0, 100][i % 3]!);
    const given2 = { ...inputs([0.3, -2]), logits: given(extremes, [2, ATOMS]) };
    for (const part of ["loss", "q"] as const) {
      finite(
        await runCompiled(
          withGradients((at) => backUp(head(name))(at)[part]),
          given2,
        ),
      );
    }
  });

  test("has a loss of 0 at its target and the slope p^ - p around it", async () => {
    const values = [-4.9, -1.23, 0, 3.1];
    const of = head(name);
    const results = await runCompiled(
      ({ y, logits }) => {
        const target = of.toward(y!);
        // The slope of the loss by the logits tells what p is: at equal logits p^ = 1/m.
        const differentiated = withGradients(({ logits: l }) => target.compare(l!).loss)({
          logits: logits!,
        });
        return { value: differentiated["value"]!, slope: differentiated["d/d logits"]! };
      },
      { y: given(values), logits: { shape: [4, ATOMS], values: new Float32Array(4 * ATOMS) } },
    );
    for (const [i, y] of values.entries()) {
      // withGradients weighs row i by 1 + i / 7.
      const p = rowOf(results["slope"]!, i).map((s) => 1 / ATOMS - s / (1 + i / 7));
      expect(sumOf(p)).toBeCloseTo(1, 5);
      expect(Math.min(...p)).toBeGreaterThan(-1e-6);
      const mean = support.locations.reduce((sum, z, k) => sum + z * p[k]!, 0);
      if (Math.abs(y) < 4) expect(mean).toBeCloseTo(y, name === "hl-gauss" ? 4 : 5);
      const entropy = -p.reduce((h, x) => h + (x > 1e-12 ? x * Math.log(x) : 0), 0);
      // Cross-entropy with equal logits is ln m.
      expect(results["value"]![i]).toBeCloseTo(Math.log(ATOMS) - entropy, 4);
      const logits = given(
        Array.from(p, (x) => Math.log(Math.max(x, 1e-12))),
        [1, ATOMS],
      );
      const at = await runCompiled(
        ({ y: value, logits: l }) => ({ loss: of.toward(value!).compare(l!).loss }),
        { y: given([y]), logits },
      );
      expect(Math.abs(at["loss"]![0]!)).toBeLessThan(1e-4);
    }
  });

  test("has the slope p^ - p by any logits", async () => {
    const of = head(name);
    const values = [-3.3, 0.2, 4.4];
    const logits = normals("logits", [3, ATOMS], 4);
    const slopesAt = async (at: Given) => {
      const { slope } = await runCompiled(
        ({ y, l }) => {
          const target = of.toward(y!);
          const found = withGradients((x) => target.compare(x["l"]!).loss)({ l: l! });
          return { slope: found["d/d l"]! };
        },
        { y: given(values), l: at },
      );
      // withGradients weighs row i by 1 + i / 7.
      return slope!.map((s, i) => s / (1 + Math.floor(i / ATOMS) / 7));
    };
    const p = (await slopesAt({ ...logits, values: new Float32Array(3 * ATOMS) })).map(
      (s) => 1 / ATOMS - s,
    );
    const slope = await slopesAt(logits);
    for (const row of values.keys()) {
      const exponentials = rowOf(logits.values, row).map(Math.exp);
      const total = sumOf(exponentials);
      for (const [i, e] of exponentials.entries()) {
        const k = row * ATOMS + i;
        expect(Math.abs(slope[k]! - (e / total - p[k]!))).toBeLessThan(1e-6);
      }
    }
  });

  test.each(["bins", "atoms"] as const)(
    "and its slope stay finite for any value, on %s, by softmax and stablemax",
    async (locations) => {
      for (const probabilities of ["softmax", "stablemax"] as const) {
        const of = criticHead(name, {
          ...options,
          support: { ...options.support, locations },
          probabilities,
        });
        const at = inputs([1e6, -1e6, 5, -5, 5.3, 0]);
        finite(
          await runCompiled(
            withGradients((x) => backUp(of)(x).loss),
            at,
          ),
        );
      }
    },
  );

  test("has the same numbers and slopes compiled as in jax-js", async () => {
    const at = inputs([0.4, -3, 2.2, 8]);
    const of = backUp(head(name));
    const fn = (tensors: Readonly<Record<string, Tensor>>) => {
      const gradients = withGradients((x) => of({ ...tensors, ...x }).loss)({
        logits: tensors["logits"]!,
      });
      const actor = withGradients((x) => of({ ...tensors, ...x }).q)({
        logits: tensors["logits"]!,
      });
      return { ...of(tensors), slope: gradients["d/d logits"]!, climb: actor["d/d logits"]! };
    };
    const [compiled, eager] = [await runCompiled(fn, at), await runEagerly(fn, at)];
    // jax-js's log is off by 1.2e-5 near 1, its erf by 2e-7.
    for (const key of Object.keys(eager)) {
      expect(relativeError(compiled[key]!, eager[key]!), key).toBeLessThan(1e-4);
    }
  });
});

test("the expected value has the slope of softmax", async () => {
  const logits = normals("logits", [3, ATOMS], 3);
  const plain = ({ logits: l }: Readonly<Record<string, Tensor>>) =>
    sum(mul(softmax(l!), fromArray(support.locations, [1, ATOMS])), -1);
  const expected = await runEagerly(withGradients(plain), { logits });
  const actual = await runCompiled(
    withGradients(({ logits: l }) => expectation(l!, support)),
    { logits },
  );
  for (const [key, values] of Object.entries(expected)) {
    expect(relativeError(actual[key]!, values), key).toBeLessThan(1e-5);
  }
});

test("the KL divergence is that of the definition", async () => {
  const logits = normals("logits", [2, ATOMS]);
  const of = hlGauss(support);
  const y = given([0.7, -2.4]);
  const { loss } = await runCompiled(
    ({ y: value, logits: l }) => ({ loss: of.toward(value!).compare(l!).loss }),
    { y, logits },
  );
  const { plain } = await runEagerly(
    ({ y: value, logits: l }) => {
      const p = gaussianBins(support, 0.75, value!);
      return { plain: sum(mul(p, sub(log(add(p, 1e-20)), log(softmax(l!)))), -1) };
    },
    { y, logits },
  );
  expect(relativeError(loss!, plain!)).toBeLessThan(1e-4);
});

describe("every encoding", () => {
  const value = fc.double({ min: -8, max: 8, noNaN: true });
  const atoms = fc.integer({ min: 2, max: 64 });

  test.each(["hl-gauss", "two-hot", "c51"] as const)(
    "of %s is a distribution whose mean is the value, three bins from the ends",
    async (name) => {
      await fc.assert(
        fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 8 }), atoms, async (ys, m) => {
          const of = criticHead(name, { ...options, support: { ...options.support, atoms: m } });
          const z = makeSupport({ ...options.support, atoms: m });
          const { slope } = await runCompiled(
            ({ y, logits }) => {
              const result = withGradients(({ logits: l }) => of.toward(y!).compare(l!).loss)({
                logits: logits!,
              });
              return { slope: result["d/d logits"]! };
            },
            {
              y: given(ys),
              logits: { shape: [ys.length, m], values: new Float32Array(ys.length * m) },
            },
          );
          for (const [i, y] of ys.entries()) {
            const p = rowOf(slope!, i, m).map((s) => 1 / m - s / (1 + (i % 7) / 7));
            expect(Math.min(...p)).toBeGreaterThan(-1e-6);
            expect(sumOf(p)).toBeCloseTo(1, 4);
            if (Math.abs(y) > 5 - 3 * z.spacing) continue;
            const mean = z.locations.reduce((sum, location, k) => sum + location * p[k]!, 0);
            expect(Math.abs(mean - y)).toBeLessThan(1e-4);
          }
        }),
        { numRuns: 20 },
      );
    },
  );
});

describe("a support", () => {
  test("of atoms has locations at both ends and edges half a spacing beyond", () => {
    const { locations, edges, spacing } = makeSupport({ ...options.support, atoms: 5 });
    expect([...locations]).toEqual([-5, -2.5, 0, 2.5, 5]);
    expect([...edges]).toEqual([-6.25, -3.75, -1.25, 1.25, 3.75, 6.25]);
    expect(spacing).toBe(2.5);
  });

  test("of bins has edges at both ends and locations in the middles", () => {
    const { locations, edges } = makeSupport({ ...options.support, atoms: 4, locations: "bins" });
    expect([...locations]).toEqual([-3.75, -1.25, 1.25, 3.75]);
    expect([...edges]).toEqual([-5, -2.5, 0, 2.5, 5]);
  });

  test("needs two atoms and a length", () => {
    expect(() => makeSupport({ ...options.support, atoms: 1 })).toThrow(RangeError);
    expect(() => makeSupport({ ...options.support, min: 5 })).toThrow(RangeError);
  });
});

describe("the first values of a categorical critic", () => {
  test.each([
    { what: "symmetric", min: -5, max: 5, expected: 0 },
    { what: "one-sided", min: 0, max: 150, expected: 0 },
    { what: "far from 0", min: 10, max: 20, expected: 10 },
  ])("are about 0 on a support that is $what", async ({ min, max, expected }) => {
    const of = criticHead("hl-gauss", { ...options, support: { ...options.support, min, max } });
    const bias = new Float32Array(ATOMS);
    of.outputInit!.bias(RandomStream.derive(1), bias);
    const { q } = await runCompiled(({ logits }) => ({ q: of.value(logits!) }), {
      logits: { shape: [1, ATOMS], values: bias },
    });
    expect(Math.abs(q![0]! - expected)).toBeLessThan(0.03 * (max - min));
  });
});

describe("saturation", () => {
  const of = criticHead("hl-gauss", sacDefaults);
  const metricsAt = (values: readonly number[]) =>
    runCompiled(({ y }) => ({ ...of.toward(y!).metrics }), { y: given(values) });

  test("is 0 for values well inside the support", async () => {
    const metrics = await metricsAt([0, 1, -4, 4.6]);
    expect(metrics["train/support_saturation"]![0]).toBe(0);
    expect(metrics["train/support_edge_mass"]![0]).toBeLessThan(1e-6);
  });

  test("counts values near the ends or beyond", async () => {
    const metrics = await metricsAt([0, 4.9, -7, 100]);
    expect(metrics["train/support_saturation"]![0]).toBeCloseTo(0.75, 6);
    expect(metrics["train/support_edge_mass"]![0]).toBeGreaterThan(0.3);
  });
});
