import { z } from "zod";
import type { UnrollFrame } from "../protocol.ts";
import type { ReplayBatch } from "../replay/batch.ts";

/**
 * What the learner divides rewards by between replay, which holds them raw, and the update: so that a
 * change of scale reaches old transitions too. It sees every unroll, in order, of every stream.
 */
export interface RewardScaler {
  /** Takes in the rewards of an unroll that reached replay. */
  observe(frame: UnrollFrame): void;
  /** alpha as of the last update; the entropy bonus is part of what critics must hold. */
  priced(temperature: number): void;
  /** What rewards are divided by now; never 0. */
  readonly scale: number;
  /** Everything needed to continue; plain JSON. */
  state(): RewardScalerState;
}

export interface RewardScalerOptions {
  readonly kind: "deviation" | "range";
  readonly gamma: number;
  /** What scaled returns should not exceed: the nearer end of the critics' support. */
  readonly bound: number;
  /** H, in nats. */
  readonly targetEntropy: number;
  readonly initialTemperature: number;
}

const streamSchema = { key: z.string(), incarnation: z.int() };

export const rewardScalerSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("deviation"),
    count: z.number(),
    mean: z.number(),
    squares: z.number(),
    largest: z.number(),
    streams: z.array(z.strictObject({ ...streamSchema, return: z.number() })).readonly(),
  }),
  z.strictObject({
    kind: z.literal("range"),
    least: z.number().nullable(),
    greatest: z.number().nullable(),
    temperature: z.number(),
    streams: z
      .array(z.strictObject({ ...streamSchema, rewards: z.array(z.number()).readonly() }))
      .readonly(),
  }),
]);

export type RewardScalerState = z.infer<typeof rewardScalerSchema>;

/** @param state From the checkpoint to go on from; of the same kind, as the configuration is. */
export function makeRewardScaler(
  options: RewardScalerOptions,
  state?: RewardScalerState,
): RewardScaler {
  return options.kind === "deviation"
    ? new DeviationScaler(options, state?.kind === "deviation" ? state : undefined)
    : new RangeScaler(options, state?.kind === "range" ? state : undefined);
}

/** Divides the batch's returns, which are sums of rewards. */
export function scaleRewards({ returns }: ReplayBatch, scale: number): void {
  for (const [i, value] of returns.entries()) returns[i] = value / scale;
}

type StateOf<Kind> = Extract<RewardScalerState, { readonly kind: Kind }>;

/** One value for each stream; an actor that was started anew begins its streams anew. */
class Streams<T> {
  readonly #fresh: () => T;
  readonly #streams = new Map<string, { readonly incarnation: number; value: T }>();

  constructor(fresh: () => T) {
    this.#fresh = fresh;
  }

  of({ unroll, incarnation }: UnrollFrame): { value: T } {
    const key = `${unroll.actor}/${unroll.env}`;
    const known = this.#streams.get(key);
    if (known?.incarnation === incarnation) return known;
    return this.set(key, incarnation, this.#fresh());
  }

  set(key: string, incarnation: number, value: T): { value: T } {
    const stream = { incarnation, value };
    this.#streams.set(key, stream);
    return stream;
  }

  list(): { key: string; incarnation: number; value: T }[] {
    return [...this.#streams].map(([key, stream]) => ({ key, ...stream }));
  }
}

const VARIANCE_FLOOR = 1e-8;

/**
 * Discounted returns as they run up within each episode, over all streams:
 *
 *     G <- gamma G + r,   scale = max(sqrt(Var(G) + 1e-8), max|G| / bound)
 *
 * Source: DAVIAN-Robotics/SimbaV2, scale_rl/agents/wrappers/normalization.py.
 */
class DeviationScaler implements RewardScaler {
  readonly #gamma: number;
  readonly #bound: number;
  readonly #streams = new Streams(() => 0);
  #count = 0;
  #mean = 0;
  #squares = 0;
  #largest = 0;

  constructor({ gamma, bound }: RewardScalerOptions, state: StateOf<"deviation"> | undefined) {
    this.#gamma = gamma;
    this.#bound = bound;
    if (!state) return;
    this.#count = state.count;
    this.#mean = state.mean;
    this.#squares = state.squares;
    this.#largest = state.largest;
    for (const stream of state.streams) {
      this.#streams.set(stream.key, stream.incarnation, stream.return);
    }
  }

  observe(frame: UnrollFrame): void {
    const stream = this.#streams.of(frame);
    const { rewards, length } = frame.unroll;
    for (const reward of rewards.subarray(0, length)) {
      stream.value = this.#gamma * stream.value + reward;
      this.#add(stream.value);
    }
    if (endsEpisode(frame)) stream.value = 0;
  }

  priced(): void {}

  get scale(): number {
    const variance = this.#count > 0 ? this.#squares / this.#count : 0;
    return Math.max(Math.sqrt(variance + VARIANCE_FLOOR), this.#largest / this.#bound);
  }

  state(): StateOf<"deviation"> {
    return {
      kind: "deviation",
      count: this.#count,
      mean: this.#mean,
      squares: this.#squares,
      largest: this.#largest,
      streams: this.#streams
        .list()
        .map(({ key, incarnation, value }) => ({ key, incarnation, return: value })),
    };
  }

  /** Welford's update. */
  #add(value: number): void {
    this.#count += 1;
    const delta = value - this.#mean;
    this.#mean += delta / this.#count;
    this.#squares += delta * (value - this.#mean);
    this.#largest = Math.max(this.#largest, Math.abs(value));
  }
}

/** An episode that never ends is cut here: its rewards are kept until it does. */
const LONGEST_EPISODE = 10_000;

/**
 * The extremes of all discounted returns-to-go of finished episodes, where an episode that was cut off goes on
 * with its mean reward for ever; and room for the entropy bonus:
 *
 *     scale = (max(|least G|, |greatest G|) - alpha H / (1 - gamma) / 2) / bound
 *
 * 1 until an episode has ended. Source: naumix/BiggerRegularizedCategorical, jaxrl/normalizer.py.
 */
class RangeScaler implements RewardScaler {
  readonly #options: RewardScalerOptions;
  readonly #streams = new Streams((): number[] => []);
  #least: number | null = null;
  #greatest: number | null = null;
  #temperature: number;

  constructor(options: RewardScalerOptions, state: StateOf<"range"> | undefined) {
    this.#options = options;
    this.#temperature = state?.temperature ?? options.initialTemperature;
    this.#least = state?.least ?? null;
    this.#greatest = state?.greatest ?? null;
    for (const { key, incarnation, rewards } of state?.streams ?? []) {
      this.#streams.set(key, incarnation, [...rewards]);
    }
  }

  observe(frame: UnrollFrame): void {
    const { unroll } = frame;
    const stream = this.#streams.of(frame);
    for (const reward of unroll.rewards.subarray(0, unroll.length)) stream.value.push(reward);
    const terminated = unroll.terminated[unroll.length - 1] === 1;
    if (!endsEpisode(frame) && stream.value.length < LONGEST_EPISODE) return;
    this.#finish(stream.value, terminated);
    stream.value = [];
  }

  priced(temperature: number): void {
    this.#temperature = temperature;
  }

  get scale(): number {
    if (this.#least === null || this.#greatest === null) return 1;
    const { gamma, bound, targetEntropy } = this.#options;
    const largest = Math.max(Math.abs(this.#least), Math.abs(this.#greatest));
    const bonus = (this.#temperature * targetEntropy) / (1 - gamma) / 2;
    const scale = (largest - bonus) / bound;
    // A target above 0 takes away; what is left must still divide.
    return Math.max(scale, largest / bound / 2, Math.sqrt(VARIANCE_FLOOR));
  }

  state(): StateOf<"range"> {
    return {
      kind: "range",
      least: this.#least,
      greatest: this.#greatest,
      temperature: this.#temperature,
      streams: this.#streams
        .list()
        .map(({ key, incarnation, value }) => ({ key, incarnation, rewards: [...value] })),
    };
  }

  #finish(rewards: readonly number[], terminated: boolean): void {
    const { gamma } = this.#options;
    const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
    let toGo = terminated ? 0 : mean / (1 - gamma);
    for (const reward of rewards.toReversed()) {
      toGo = reward + gamma * toGo;
      this.#least = Math.min(this.#least ?? toGo, toGo);
      this.#greatest = Math.max(this.#greatest ?? toGo, toGo);
    }
  }
}

function endsEpisode({ unroll }: UnrollFrame): boolean {
  const last = unroll.length - 1;
  return unroll.terminated[last] === 1 || unroll.truncated[last] === 1;
}
