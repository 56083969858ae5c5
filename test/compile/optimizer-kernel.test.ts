import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import wabt from "wabt";
import { optimizerWasm } from "../../src/compile/kernels/optimizer-wasm.ts";
import { type AdamState, OptimizerKernel } from "../../src/compile/optimizer-kernel.ts";
import { normals } from "./compiled.ts";

const LENGTH = 37;
const options = { learningRate: 3e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

function makeKernel() {
  const kernel = new OptimizerKernel(7 * LENGTH, 7);
  const state = (): AdamState => ({
    parameters: kernel.allocate(LENGTH),
    first: kernel.allocate(LENGTH),
    second: kernel.allocate(LENGTH),
  });
  return { kernel, from: state(), to: state(), gradient: kernel.allocate(LENGTH) };
}

describe("OptimizerKernel", () => {
  test("is what its source assembles to", async () => {
    const file = new URL("../../src/compile/kernels/optimizer.wat", import.meta.url);
    const { parseWat } = await wabt();
    const { buffer } = parseWat("optimizer.wat", readFileSync(file, "utf8"), {
      simd: true,
    }).toBinary({});
    expect(Buffer.from(buffer).toString("base64")).toBe(optimizerWasm);
  });

  test("takes Adam's steps as the formula does in float64", () => {
    const { kernel, from, to, gradient } = makeKernel();
    const p = [...normals("p", [LENGTH]).values];
    const [m, v] = [p.map(() => 0), p.map(() => 0)];
    from.parameters.values.set(p);
    let states = [from, to] as const;
    for (let t = 1; t <= 5; t++) {
      const g = normals(`g${t}`, [LENGTH]).values;
      gradient.values.set(g);
      const squares = kernel.adam({ from: states[0], to: states[1], gradient }, options, t);
      expect(squares).toBeCloseTo(
        g.reduce((sum, x) => sum + x * x, 0),
        3,
      );
      for (let i = 0; i < LENGTH; i++) {
        m[i] = 0.9 * m[i]! + 0.1 * g[i]!;
        v[i] = 0.999 * v[i]! + 0.001 * g[i]! ** 2;
        const root = Math.sqrt(v[i]! / (1 - 0.999 ** t)) + 1e-8;
        p[i] = p[i]! - (3e-4 * (m[i]! / (1 - 0.9 ** t))) / root;
      }
      states = [states[1], states[0]];
      for (let i = 0; i < LENGTH; i++) {
        expect(states[0].parameters.values[i]).toBeCloseTo(p[i]!, 6);
        expect(states[0].first.values[i]).toBeCloseTo(m[i]!, 6);
        expect(states[0].second.values[i]).toBeCloseTo(v[i]!, 6);
      }
    }
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("shows a gradient of %f", (bad) => {
    const { kernel, from, to, gradient } = makeKernel();
    gradient.values[LENGTH - 1] = bad;
    expect(Number.isFinite(kernel.adam({ from, to, gradient }, options, 1))).toBe(false);
    expect(from.parameters.values.every((value) => value === 0)).toBe(true);
  });

  test("lets the moments of a unit that is off decay to zero, never to a denormal number", () => {
    const { kernel, from, to, gradient } = makeKernel();
    const smallestNormal = 2 ** -126;
    let states = [from, to] as const;
    for (let t = 1; t <= 3000; t++) {
      gradient.values.fill(t === 1 ? 1e-12 : t === 2 ? 1e-25 : 0);
      kernel.adam({ from: states[0], to: states[1], gradient }, options, t);
      states = [states[1], states[0]];
      for (const { values } of [states[0].first, states[0].second]) {
        const [value = Number.NaN] = values;
        expect(value === 0 || Math.abs(value) >= smallestNormal).toBe(true);
      }
    }
    expect(states[0].first.values[0]).toBe(0);
    expect(states[0].second.values[0]).toBeGreaterThan(0);
  });

  test("follows slowly", () => {
    const { kernel, from, to, gradient: source } = makeKernel();
    source.values.fill(3);
    from.parameters.values.fill(1);
    kernel.polyak({ source, from: from.parameters, to: to.parameters }, 0.25);
    expect([...to.parameters.values]).toEqual(Array.from({ length: LENGTH }, () => 1.5));
  });

  test("refuses to hand out more memory than was announced", () => {
    const kernel = new OptimizerKernel(16, 1);
    expect(() => kernel.allocate(1 << 20)).toThrow(RangeError);
  });
});
