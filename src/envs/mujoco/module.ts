import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import loadMujoco, { type MainModule } from "@mujoco/mujoco";

/** The MuJoCo wasm instance of a thread: one heap for all its simulations, limited to 2 GiB. */
export interface MujocoRuntime {
  readonly module: MainModule;

  /**
   * To be called after the engine has thrown, when none of its calls is under way.
   *
   * An error leaves the wasm stack pointer where it was raised, 4 to 5 KB lower; a dozen errors use up
   * the 64 KB stack, which then overwrites the heap.
   */
  recover(): void;
}

/** The part of WebAssembly used here, which @types/node 20 does not declare. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  Instance: new (compiled: object, imports: object) => { readonly exports: unknown };
};

interface StackExports {
  emscripten_stack_get_current(): number;
  _emscripten_stack_restore(pointer: number): void;
}

/**
 * Lets V8 inline wasm functions, which takes a sixth off a step and changes no bit of it. Node 24 does so
 * unasked; Node 20's V8 has it switched off, and gains more with a larger budget than the default.
 */
function inlineWasm(): void {
  if (!process.versions.v8.startsWith("11.")) return;
  setFlagsFromString("--wasm-inlining");
  setFlagsFromString("--wasm-inlining-budget=9000");
  setFlagsFromString("--wasm-inlining-max-size=1000");
}

let loading: Promise<MujocoRuntime> | undefined;

/** Loads MuJoCo once per thread. */
export function mujocoRuntime(): Promise<MujocoRuntime> {
  loading ??= load();
  return loading;
}

async function load(): Promise<MujocoRuntime> {
  inlineWasm();
  const file = createRequire(import.meta.url).resolve("@mujoco/mujoco/mujoco.wasm");
  const compiled = await WebAssembly.compile(await readFile(file));
  let stack: StackExports | undefined;
  // The package does not export its stack pointer, so the instance is made here.
  const module = await loadMujoco({
    instantiateWasm(imports: object, done: (instance: object, compiled: object) => void) {
      const instance = new WebAssembly.Instance(compiled, imports);
      stack = instance.exports as StackExports;
      done(instance, compiled);
      return {};
    },
  });
  if (!stack) throw new Error("@mujoco/mujoco did not ask for its instance");
  const { emscripten_stack_get_current, _emscripten_stack_restore } = stack;
  const idle = emscripten_stack_get_current();
  return { module, recover: () => _emscripten_stack_restore(idle) };
}
