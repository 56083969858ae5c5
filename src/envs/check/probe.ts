import type { Env, Observation, ResetResult, StepResult } from "../env.ts";
import { shapeFault } from "../failure/step-fault.ts";
import { describeThrown } from "../own/code-place.ts";

/** Where a check is: told before each call, so that one that never returns can be named. */
export interface CallPlace {
  readonly call: "make" | "reset" | "step";
  readonly seed: number;
  readonly step: number;
}

/** A call that threw, or gave what is no result; the message says which. */
export class CallFailure extends Error {
  readonly place: CallPlace;

  constructor(place: CallPlace, what: string, options?: ErrorOptions) {
    super(`${place.call} ${what}`, options);
    this.place = place;
  }
}

/** An environment under examination: calls it, and knows seed and step. */
export class Probe {
  readonly env: Env;
  readonly #onCall: (place: CallPlace) => void;
  seed = 0;
  /** Since the last reset. */
  step = 0;

  constructor(env: Env, onCall: (place: CallPlace) => void) {
    this.env = env;
    this.#onCall = onCall;
  }

  get where() {
    return { seed: this.seed, step: this.step };
  }

  /** @throws CallFailure */
  reset(seed?: number): ResetResult {
    if (seed !== undefined) this.seed = seed;
    this.step = 0;
    return this.#call("reset", () => this.env.reset(seed === undefined ? {} : { seed }));
  }

  /** @throws CallFailure */
  take(action: ArrayLike<number>): StepResult {
    this.step += 1;
    return this.#call("step", () => this.env.step(action));
  }

  #call<Result>(call: "reset" | "step", run: () => Result): Result {
    const place = { call, seed: this.seed, step: this.step };
    this.#onCall(place);
    let result: Result;
    try {
      result = run();
    } catch (thrown) {
      throw new CallFailure(place, `threw: ${describeThrown(thrown)}`, { cause: thrown });
    }
    const fault = shapeFault(result);
    if (fault !== undefined) throw new CallFailure(place, `gives ${fault}`);
    return result;
  }
}

/** What a step or a reset gave, as numbers that can be compared. */
export interface Row {
  /** 0: the first reset. */
  readonly step: number;
  readonly observation: Observation;
  readonly reward: number;
  readonly ended: boolean;
}

/** A stretch of an environment's life. */
export type Recording = readonly Row[];

/** Resets with `seed` and takes the actions, starting episodes as they end. */
export function record(
  probe: Probe,
  seed: number,
  actions: readonly ArrayLike<number>[],
): Recording {
  const start = { step: 0, observation: probe.reset(seed).observation.slice() };
  return [{ ...start, reward: 0, ended: false }, ...follow(probe, actions)];
}

/** Goes on with the actions. */
export function follow(probe: Probe, actions: readonly ArrayLike<number>[]): Recording {
  const rows: Row[] = [];
  for (const [i, action] of actions.entries()) {
    const step = i + 1;
    const { observation, reward, terminated, truncated } = probe.take(action);
    const ended = terminated || truncated;
    rows.push({ step, observation: observation.slice(), reward, ended });
    if (!ended) continue;
    rows.push({ step, observation: probe.reset().observation.slice(), reward: 0, ended: false });
  }
  return rows;
}

/** The first difference between two recordings, in words; undefined: they are equal to the last bit. */
export function difference(
  first: Recording,
  second: Recording,
): { readonly step: number; readonly what: string } | undefined {
  for (const [i, row] of first.entries()) {
    const what = unequal(row, second[i]);
    if (what !== undefined) return { step: row.step, what };
  }
  return undefined;
}

function unequal(first: Row, second: Row | undefined): string | undefined {
  const [mine, other] = [first.observation, second?.observation];
  if (first.ended !== second?.ended) return "only one of them ends";
  if (!Object.is(first.reward, second.reward)) return `reward ${first.reward} and ${second.reward}`;
  if (mine.length !== other?.length) {
    return `observations of ${mine.length} and ${other?.length} numbers`;
  }
  const at = mine.findIndex((value, i) => !Object.is(value, other[i]));
  return at < 0 ? undefined : `observation[${at}] ${mine[at]} and ${other[at]}`;
}
