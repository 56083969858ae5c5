import { RunError } from "../../errors.ts";
import type { RandomStream } from "../../math/random.ts";
import type { InfoBuffer, TaskRules } from "../mujoco/task.ts";
import { describeThrown } from "./code-place.ts";
import type {
  TaskDefinition,
  TaskObservation,
  TaskOptions,
  TaskSimulation,
} from "./task-definition.ts";

/** A definition's functions, bound to one simulation. What they do wrong is named with its place in the code. */
export class OwnRules<Options extends TaskOptions> implements TaskRules {
  readonly observationSize: number;
  readonly memory: Float64Array;
  readonly resetInfo: InfoBuffer = {};
  readonly stepInfo: InfoBuffer = {};
  reward = 0;
  terminated = false;

  readonly #definition: TaskDefinition<Options>;
  readonly #sim: TaskSimulation<Options>;

  /** The simulation has to be at a state it can be observed in: that settles the observation's length. */
  constructor(definition: TaskDefinition<Options>, sim: TaskSimulation<Options>) {
    this.#definition = definition;
    this.#sim = sim;
    this.memory = sim.memory;
    this.begin();
    this.observationSize = length(this.#call("observation", () => definition.observation(sim)));
    if (this.observationSize === 0) throw failed("observation gives no numbers; return some");
  }

  drawStart(random: RandomStream): void {
    this.#call("reset", () => this.#definition.reset?.(this.#sim, random));
  }

  begin(): void {
    this.memory.fill(0);
    this.#call("begin", () => this.#definition.begin?.(this.#sim));
  }

  observe(observation: Float64Array): void {
    const given = this.#call("observation", () => this.#definition.observation(this.#sim));
    const size = length(given);
    if (size !== observation.length) {
      throw failed(`observation gives ${size} numbers; it gave ${observation.length} at first`);
    }
    let at = 0;
    for (let i = 0; i < given.length; i++) {
      const part = given[i] ?? Number.NaN;
      if (typeof part === "number") observation[at++] = part;
      else for (let k = 0; k < part.length; k++) observation[at++] = part[k] ?? Number.NaN;
    }
  }

  judge(ctrl: Float64Array): void {
    const reward = this.#call("reward", () => this.#definition.reward(this.#sim, ctrl));
    this.reward = typeof reward === "number" ? reward : this.#sum(reward);
    const ended = this.#call("terminated", () => this.#definition.terminated?.(this.#sim) ?? false);
    if (typeof ended !== "boolean") throw failed(`terminated gives ${String(ended)}, no boolean`);
    this.terminated = ended;
  }

  #sum(terms: unknown): number {
    if (typeof terms !== "object" || terms === null) {
      throw failed(`reward gives ${String(terms)}, neither a number nor terms by name`);
    }
    let sum = 0;
    for (const [name, term] of Object.entries(terms)) {
      if (typeof term !== "number") {
        throw failed(`reward gives ${String(term)} for ${name}, no number`);
      }
      this.stepInfo[name] = term;
      sum += term;
    }
    return sum;
  }

  #call<Result>(name: string, run: () => Result): Result {
    let result: Result;
    try {
      result = run();
    } catch (thrown) {
      throw failed(`${name} threw: ${describeThrown(thrown)}`, thrown);
    }
    if (!(result instanceof Promise)) return result;
    // Nobody will wait for it.
    result.catch(() => undefined);
    throw failed(`${name} gives a promise; it cannot be async`);
  }
}

function length(observation: TaskObservation): number {
  if (!isArrayLike(observation)) {
    throw failed(`observation gives ${String(observation)}, no list of numbers`);
  }
  let size = 0;
  for (let i = 0; i < observation.length; i++) {
    const part: unknown = observation[i];
    if (isArrayLike(part)) size += part.length;
    else if (typeof part === "number") size++;
    else throw failed(`observation gives ${String(part)} at index ${i}, neither number nor list`);
  }
  return size;
}

function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return typeof value === "object" && value !== null && "length" in value;
}

function failed(message: string, cause?: unknown): RunError {
  return new RunError("ENV_FAILED", message, cause === undefined ? {} : { cause });
}
