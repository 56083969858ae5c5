import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { matmul, relu } from "../../src/compile/ops.ts";
import { Program } from "../../src/compile/program.ts";
import { normals } from "./compiled.ts";

const model = compile(({ x, w }) => ({ y: relu(matmul(x!, w!)) }), {
  name: "f",
  inputs: [
    { name: "x", shape: [2, 3] },
    { name: "w", shape: [3, 2] },
  ],
});

describe("Program", () => {
  test("writes into the buffers it was given and into no others", async () => {
    await using program = await Program.load(model);
    const y = new Float32Array(4);
    const binding = program.bind({ outputs: { y } });
    expect(binding.outputs["y"]).toBe(y);
    binding.inputs["x"]!.fill(1);
    binding.inputs["w"]!.fill(2);
    await binding.run();
    expect([...y]).toEqual([6, 6, 6, 6]);
    binding.inputs["x"]!.fill(-1);
    await binding.run();
    expect([...y]).toEqual([0, 0, 0, 0]);
  });

  test("reads and writes views of one larger buffer in place", async () => {
    await using program = await Program.load(model);
    const memory = new Float32Array(64);
    const x = memory.subarray(1, 7);
    const y = memory.subarray(20, 24);
    x.fill(1);
    await program.bind({ inputs: { x, w: new Float32Array(6).fill(1) }, outputs: { y } }).run();
    expect([...y]).toEqual([3, 3, 3, 3]);
    expect(memory[19]).toBe(0);
    expect(memory[24]).toBe(0);
  });

  test("makes no copies of results that are to be written in place", async () => {
    const size = 10_000;
    const inputs = [{ name: "x", shape: [size] }];
    const copying = compile(({ x }) => ({ y: relu(x!) }), { name: "f", inputs });
    const inPlace = compile(({ x }) => ({ y: relu(x!) }), {
      name: "f",
      inputs,
      writesInPlace: true,
    });
    /** Bytes that runs made; what is collected meanwhile, of whosoever, does not count. */
    const madeBy = async (bytes: Uint8Array): Promise<number> => {
      await using program = await Program.load(bytes);
      const binding = program.bind();
      binding.inputs["x"]!.fill(3);
      await binding.run();
      let made = 0;
      for (let i = 0; i < 20; i++) {
        const before = process.memoryUsage().arrayBuffers;
        await binding.run();
        made += Math.max(0, process.memoryUsage().arrayBuffers - before);
      }
      expect(binding.outputs["y"]!.every((value) => value === 3)).toBe(true);
      return made;
    };
    expect(await madeBy(inPlace)).toBeLessThan(4 * size);
    // The reason for all this: without it, every run leaves a copy behind.
    expect(await madeBy(copying)).toBeGreaterThan(10 * 4 * size);
  });

  // Its option to flush denormal numbers does so for good in the first thread that makes a session, and in
  // that one alone: the same physics would give other bits in another thread.
  test("leaves the arithmetic of its thread alone", async () => {
    await using _program = await Program.load(model);
    const denormal = Float64Array.of(5e-310);
    denormal[0]! *= 0.5;
    expect(denormal[0]).toBeGreaterThan(0);
  });

  test("refuses a buffer of another size", async () => {
    await using program = await Program.load(model);
    expect(() => program.bind({ inputs: { x: new Float32Array(5) } })).toThrow("x has 5");
  });

  test("says so when a device is not there", async () => {
    await expect(Program.load(model, { device: "cuda" })).rejects.toMatchObject({
      code: "INTERNAL",
    });
  });

  test("tells broken bytes from a model", async () => {
    await expect(Program.load(normalBytes())).rejects.toMatchObject({ code: "INTERNAL" });
  });
});

function normalBytes(): Uint8Array {
  return new Uint8Array(normals("bytes", [16]).values.buffer);
}
