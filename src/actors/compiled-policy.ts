import { DirectProgram } from "../compile/direct/direct-program.ts";
import { Program, type RunnableBinding, type RunnableProgram } from "../compile/program.ts";
import {
  defaultNormaliserOptions,
  type Normaliser,
  normalise,
} from "../math/running-statistics.ts";
import { packParameters } from "./pack-parameters.ts";
import type { PolicyCall, PolicyRunner } from "./policy-runner.ts";

/** Ports of a policy program that are no parameters. */
const OBSERVATIONS = "observations";
const NOISE = "noise";
const ACTIONS = "actions";

/** A policy as ONNX Runtime runs it, or this thread if it is small; imports no jax-js, so it fits any thread. */
export class CompiledPolicy implements PolicyRunner {
  readonly observationSize: number;
  readonly actionSize: number;
  readonly noiseSize: number;
  readonly extras: readonly string[];
  readonly #program: RunnableProgram;
  readonly #binding: RunnableBinding;
  /** Views into one flat buffer, in the order of the program's inputs. */
  readonly #parameters: Float32Array;
  readonly #normaliser: Normaliser | undefined;

  private constructor(program: RunnableProgram, normalizes: boolean) {
    const rowSize = (name: string): number => {
      const port = [...program.inputs, ...program.outputs].find((p) => p.name === name);
      return port?.shape[1] ?? 0;
    };
    this.#program = program;
    this.observationSize = rowSize(OBSERVATIONS);
    this.actionSize = rowSize(ACTIONS);
    this.noiseSize = rowSize(NOISE);
    this.extras = program.outputs.map(({ name }) => name).filter((name) => name !== ACTIONS);
    const ports = program.inputs.filter(({ name }) => name !== OBSERVATIONS && name !== NOISE);
    this.#parameters = new Float32Array(ports.reduce((sum, { size }) => sum + size, 0));
    let offset = 0;
    const views = ports.map(({ name, size }): [string, Float32Array] => {
      offset += size;
      return [name, this.#parameters.subarray(offset - size, offset)];
    });
    this.#binding = program.bind({ inputs: Object.fromEntries(views) });
    this.#normaliser = normalizes
      ? {
          mean: new Float32Array(this.observationSize),
          scale: new Float32Array(this.observationSize).fill(1),
          clip: defaultNormaliserOptions.clip,
        }
      : undefined;
  }

  /** @param program From `compilePolicy`. */
  static async load(
    program: Uint8Array,
    options: { readonly normalizes: boolean },
  ): Promise<CompiledPolicy> {
    const direct = DirectProgram.from(program);
    if (direct) return new CompiledPolicy(direct, options.normalizes);
    const isParameter = (name: string): boolean => name !== OBSERVATIONS && name !== NOISE;
    const packed = packParameters(program, isParameter);
    return new CompiledPolicy(await Program.load(packed), options.normalizes);
  }

  setParameters(parameters: Float32Array, normalizer: Float32Array): void {
    this.#parameters.set(parameters);
    this.#normaliser?.mean.set(normalizer.subarray(0, this.observationSize));
    this.#normaliser?.scale.set(normalizer.subarray(this.observationSize));
  }

  async run({ observations, noise, actions, extras = {} }: PolicyCall): Promise<void> {
    const { inputs, outputs } = this.#binding;
    const rows = inputs[OBSERVATIONS];
    const results = outputs[ACTIONS];
    if (!rows || !results) throw new Error("a policy program without observations or actions");
    if (this.#normaliser) normalise(this.#normaliser, observations, rows);
    else rows.set(observations);
    inputs[NOISE]?.set(noise);
    await this.#binding.run();
    actions.set(results);
    for (const [name, column] of Object.entries(extras)) column.set(outputs[name] ?? []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.release();
  }
}
