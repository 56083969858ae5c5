import { RunError } from "../errors.ts";

/** What may be tuned while a run goes on. */
export interface LimiterTuning {
  /** Mean number of times each transition is drawn. */
  readonly samplesPerInsert: number;
  /** Transitions that replay must hold before the first draw. */
  readonly minSize: number;
  /** Draws that either side may be ahead of the other. */
  readonly errorBuffer: number;
}

export interface LimiterOptions extends LimiterTuning {
  /** Transitions in one draw, which is all or nothing. */
  readonly batchSize: number;
  /** Transitions in the longest insert, which is all or nothing. */
  readonly unrollLength: number;
  /** Transitions that replay is sure to be able to hold. */
  readonly guaranteedSize: number;
}

/** Everything needed to go on; plain JSON. */
export interface LimiterState extends LimiterTuning {
  readonly inserts: number;
  readonly samples: number;
  readonly offset: number;
  /** Transitions that replay held. */
  readonly size: number;
}

/** Who waits, and why. Plain data. */
export interface LimiterExplanation extends LimiterState {
  readonly error: number;
  readonly low: number;
  readonly high: number;
  /** Never both: see the no-deadlock rule. */
  readonly waiting: "nobody" | "learner" | "actors";
  readonly sentence: string;
}

/**
 * Holds draws and inserts to a ratio, whoever is faster.
 *
 *     error     = inserts samplesPerInsert - samples - offset
 *     canSample = size >= minSize  and  error - n >= low
 *     canInsert = size < minSize   or   error + n samplesPerInsert <= high
 *     low, high = minSize samplesPerInsert -+ errorBuffer
 *
 * The centre of the band is the error at the end of the warm-up, so warm-up steps owe no updates. With
 * draws of B and inserts of at most m, both sides can wait only if high - m samplesPerInsert < error
 * < low + B; `high - low >= B + m samplesPerInsert` rules that out. `offset` is 0 until the limiter is
 * tuned or restored with other settings: then it keeps the error's distance from the centre.
 *
 * Source: Cassirer et al. 2021, "Reverb", section 3.4; the band's rule and the offset are ours.
 */
export class RateLimiter {
  readonly #size: () => number;
  #options: LimiterOptions;
  #inserts = 0;
  #samples = 0;
  #offset = 0;

  /**
   * @param size Returns the transitions that replay holds now.
   * @throws RunError CONFIG_INVALID if both sides could come to wait for each other.
   */
  constructor(options: LimiterOptions, size: () => number) {
    checkOptions(options);
    this.#options = options;
    this.#size = size;
  }

  /**
   * Goes on from a saved state. Settings may have changed, and replay may hold other than it did: then
   * nobody owes a burst, but a lead within the new band is kept.
   *
   * @throws RunError CONFIG_INVALID like the constructor.
   */
  static restore(options: LimiterOptions, size: () => number, state: LimiterState): RateLimiter {
    const limiter = new RateLimiter(options, size);
    limiter.#inserts = state.inserts;
    limiter.#samples = state.samples;
    limiter.#offset = state.offset;
    if (!sameGround(options, size(), state)) limiter.#rebase(leadOf(state));
    return limiter;
  }

  get inserts(): number {
    return this.#inserts;
  }

  get samples(): number {
    return this.#samples;
  }

  get samplesPerInsert(): number {
    return this.#options.samplesPerInsert;
  }

  get minSize(): number {
    return this.#options.minSize;
  }

  get error(): number {
    return this.#inserts * this.samplesPerInsert - this.#samples - this.#offset;
  }

  get low(): number {
    return this.minSize * this.samplesPerInsert - this.#options.errorBuffer;
  }

  get high(): number {
    return this.minSize * this.samplesPerInsert + this.#options.errorBuffer;
  }

  canSample(count: number): boolean {
    return this.#size() >= this.minSize && this.error - count >= this.low;
  }

  canInsert(count: number): boolean {
    // Not at minSize itself: a replay that holds just so many stays there for ever.
    if (this.#size() < this.minSize) return true;
    return this.error + count * this.samplesPerInsert <= this.high;
  }

  /** `count` transitions are in replay. */
  inserted(count: number): void {
    this.#inserts += count;
  }

  /** `count` transitions were delivered to the learner; not before they were. */
  sampled(count: number): void {
    this.#samples += count;
  }

  /**
   * Changes settings at once. Nobody owes a burst afterwards.
   *
   * @throws RunError CONFIG_INVALID like the constructor; nothing is changed then.
   */
  tune(tuning: Partial<LimiterTuning>): void {
    const options = { ...this.#options, ...tuning };
    checkOptions(options);
    const lead = leadOf(this.state());
    this.#options = options;
    this.#rebase(lead);
  }

  state(): LimiterState {
    const { samplesPerInsert, minSize, errorBuffer } = this.#options;
    return {
      samplesPerInsert,
      minSize,
      errorBuffer,
      inserts: this.#inserts,
      samples: this.#samples,
      offset: this.#offset,
      size: this.#size(),
    };
  }

  /** Says who waits, on which inequality, and what would free them. */
  explain(): LimiterExplanation {
    const { batchSize, unrollLength } = this.#options;
    const facts = { error: this.error, low: this.low, high: this.high };
    const state = this.state();
    const learner = this.canSample(batchSize) ? null : this.#learnerSentence();
    const actors = this.canInsert(unrollLength) ? null : this.#actorsSentence();
    const waiting = learner !== null ? "learner" : actors !== null ? "actors" : "nobody";
    const sentence = learner ?? actors ?? "nobody waits";
    return { ...state, ...facts, waiting, sentence };
  }

  #learnerSentence(): string {
    const { batchSize, minSize, samplesPerInsert } = this.#options;
    const size = this.#size();
    if (size < minSize) {
      const missing = minSize - size;
      return `the learner waits: it needs size >= minSize, but ${size} < ${minSize}; ${missing} more inserts free it`;
    }
    const missing = Math.ceil((this.low + batchSize - this.error) / samplesPerInsert);
    return (
      `the learner waits: it needs error - ${batchSize} >= low, but ${this.error} - ${batchSize} < ` +
      `${this.low}; ${missing} more inserts free it`
    );
  }

  #actorsSentence(): string {
    const { batchSize, unrollLength, samplesPerInsert } = this.#options;
    const added = unrollLength * samplesPerInsert;
    const batches = Math.ceil((this.error + added - this.high) / batchSize);
    return (
      `the actors wait: they need error + ${unrollLength} x ${samplesPerInsert} <= high, but ` +
      `${this.error} + ${added} > ${this.high}; ${batches} more batches free them`
    );
  }

  /** Chooses the offset such that the error at the end of the warm-up is `lead` from the centre. */
  #rebase(lead: number): void {
    const { errorBuffer } = this.#options;
    const kept = Math.min(Math.max(lead, -errorBuffer), errorBuffer);
    this.#offset = 0;
    this.#offset = leadOf(this.state()) - kept;
  }
}

/** The error's distance from the band's centre, now or, before that, when the warm-up will be over. */
function leadOf(state: LimiterState): number {
  const missing = Math.max(state.minSize - state.size, 0);
  const inserts = state.inserts + missing - state.minSize;
  return inserts * state.samplesPerInsert - state.samples - state.offset;
}

function sameGround(tuning: LimiterTuning, size: number, state: LimiterState): boolean {
  return (
    tuning.samplesPerInsert === state.samplesPerInsert &&
    tuning.minSize === state.minSize &&
    tuning.errorBuffer === state.errorBuffer &&
    size === state.size
  );
}

/**
 * The smallest `errorBuffer` with which the two sides can never wait for each other. With a whole ratio
 * all bounds are exact; with another, rounding could block both at their common edge, so a little more.
 */
export function smallestErrorBuffer(
  options: Pick<LimiterOptions, "samplesPerInsert" | "batchSize" | "unrollLength">,
): number {
  const rounding = Number.isInteger(options.samplesPerInsert) ? 0 : 1;
  return (options.batchSize + options.unrollLength * options.samplesPerInsert + rounding) / 2;
}

function checkOptions(options: LimiterOptions): void {
  const { samplesPerInsert, minSize, errorBuffer, batchSize, unrollLength } = options;
  if (!(samplesPerInsert > 0 && samplesPerInsert < Infinity)) {
    throw invalid(`samplesPerInsert ${samplesPerInsert} must be above 0`);
  }
  if (!(Number.isInteger(minSize) && minSize >= 1)) {
    throw invalid(`minSize ${minSize} must be a whole number from 1 up`);
  }
  if (minSize > options.guaranteedSize) {
    throw invalid(
      `sampling starts at ${minSize} transitions, but replay is sure to hold only ` +
        `${options.guaranteedSize} when episodes are short: raise replay.capacity or lower algorithm.learningStarts`,
    );
  }
  const needed = smallestErrorBuffer(options);
  if (!(errorBuffer >= needed && errorBuffer < Infinity)) {
    throw invalid(
      `replay.errorBuffer ${errorBuffer} is too small: 2 x ${errorBuffer} < batch ${batchSize} + unroll ` +
        `${unrollLength} x samplesPerInsert ${samplesPerInsert}, so actors and learner could wait for each ` +
        `other for ever; use at least ${needed}`,
    );
  }
}

function invalid(message: string): RunError {
  return new RunError("CONFIG_INVALID", message);
}
