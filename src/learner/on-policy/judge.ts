import type { Algorithm } from "../../algorithms/algorithm.ts";
import { compile } from "../../compile/compile.ts";
import type { Tensor } from "../../compile/ops.ts";
import { type Binding, Program } from "../../compile/program.ts";
import { RunError } from "../../errors.ts";

/** Rows of one run of the program; the last run of many is filled up. */
const ROWS = 256;

/** What the current policy and critic say about given pairs. */
export interface Judgement {
  /** log pi(a | s), [n]. */
  readonly logProbs: Float32Array;
  /** V(s), [n]. */
  readonly values: Float32Array;
}

/** The learner's own opinion of what older policies did: one forward pass, without gradients. */
export class PolicyJudge implements AsyncDisposable {
  readonly #program: Program;
  readonly #binding: Binding;
  /** Names of the policy group's tensors, in layout order. */
  readonly #names: readonly string[];

  private constructor(program: Program, names: readonly string[]) {
    this.#program = program;
    this.#binding = program.bind();
    this.#names = names;
  }

  /** @throws RunError INTERNAL for an algorithm that cannot judge actions. */
  static async create(algorithm: Algorithm): Promise<PolicyJudge> {
    const { policy } = algorithm;
    const { onPolicy, observationSize, actionSize } = policy;
    const group = algorithm.groups.find(({ name }) => name === policy.group);
    if (!onPolicy || !group) throw new RunError("INTERNAL", `${algorithm.name} judges no actions`);
    const inputs = [
      ...group.parameters.map(({ name, shape }) => ({ name, shape })),
      { name: "observations", shape: [ROWS, observationSize] },
      { name: "actions", shape: [ROWS, actionSize] },
    ];
    const judge = (tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> => {
      const { observations, actions, ...parameters } = tensors;
      if (!observations || !actions) throw new RunError("INTERNAL", "nothing to judge");
      return { ...onPolicy.judge(parameters, observations, actions) };
    };
    const bytes = compile(judge, { name: `${algorithm.name}.judge`, inputs });
    return new PolicyJudge(
      await Program.load(bytes),
      group.parameters.map(({ name }) => name),
    );
  }

  /**
   * @param parameters The policy group, flat, in layout order.
   * @param observations [n, observation size], normalised.
   * @param actions [n, action size].
   */
  async judge(
    parameters: Float32Array,
    observations: Float32Array,
    actions: Float32Array,
  ): Promise<Judgement> {
    const { inputs, outputs } = this.#binding;
    this.#setParameters(parameters);
    const widths = [inputs["observations"], inputs["actions"]].map((x) => (x?.length ?? 0) / ROWS);
    const [observationSize = 1, actionSize = 1] = widths;
    const count = observations.length / observationSize;
    const logProbs = new Float32Array(count);
    const values = new Float32Array(count);
    for (let first = 0; first < count; first += ROWS) {
      const end = Math.min(first + ROWS, count);
      inputs["observations"]?.set(
        observations.subarray(first * observationSize, end * observationSize),
      );
      inputs["actions"]?.set(actions.subarray(first * actionSize, end * actionSize));
      await this.#binding.run();
      logProbs.set(outputs["logProbs"]?.subarray(0, end - first) ?? [], first);
      values.set(outputs["values"]?.subarray(0, end - first) ?? [], first);
    }
    return { logProbs, values };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.release();
  }

  #setParameters(flat: Float32Array): void {
    let offset = 0;
    for (const name of this.#names) {
      const tensor = this.#binding.inputs[name];
      tensor?.set(flat.subarray(offset, offset + tensor.length));
      offset += tensor?.length ?? 0;
    }
  }
}
