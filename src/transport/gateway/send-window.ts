/** Frames of one actor that may be under way, whatever the rates. */
const LEAST_WINDOW = 2;
export const MOST_WINDOW = 64;

/** Rates are measured over this long, and follow changes within a few times of it. */
const INTERVAL_MS = 100;
const SMOOTHING = 0.4;

/** How the allowance on top of the rule grows in each interval in which it is needed, and shrinks in others. */
const [GROWTH, DECAY] = [1.5, 0.9];

/** What happened since the last look. */
export interface Look {
  /** Frames the learner took. */
  readonly taken: number;
  /** Whether nothing waits for the learner now. */
  readonly isQueueEmpty: boolean;
  /** Asked now and then: whether many actors have used up what they may send. */
  readonly areActorsHeldBack: () => boolean;
}

/**
 * How many frames each actor may have under way: together about what the learner takes in `windowSeconds`,
 *
 *     window = clamp(ceil(rate windowSeconds allowance / actors), 2, 64)
 *
 * so that frames do not grow old in queues, and a slow learner slows its actors rather than filling memory.
 *
 * The allowance is 1 while frames wait for the learner. Where the way there and back takes longer than
 * `windowSeconds` (far away, slow disk, busy machine), the rule alone would hold actors back, so the learner
 * would take less, so the window would shrink: as long as the learner has nothing to take and actors may
 * not send, the allowance grows.
 */
export class SendWindow {
  readonly #windowSeconds: number;
  #rate = 0;
  #allowance = 1;
  #taken = 0;
  #looks = 0;
  #emptyLooks = 0;
  #since: number;

  /** @param now Milliseconds. */
  constructor(windowSeconds: number, now: number) {
    this.#windowSeconds = windowSeconds;
    this.#since = now;
  }

  look(look: Look, now: number): void {
    this.#taken += look.taken;
    this.#looks++;
    if (look.isQueueEmpty) this.#emptyLooks++;
    const elapsed = now - this.#since;
    if (elapsed < INTERVAL_MS) return;
    const rate = this.#taken / (elapsed / 1000);
    // After a long silence the past counts for less.
    const weight = 1 - (1 - SMOOTHING) ** (elapsed / INTERVAL_MS);
    this.#rate += weight * (rate - this.#rate);
    const isIdle = 2 * this.#emptyLooks > this.#looks;
    this.#allowance *= isIdle && look.areActorsHeldBack() ? GROWTH : DECAY;
    this.#allowance = Math.min(Math.max(this.#allowance, 1), MOST_WINDOW);
    this.#taken = 0;
    this.#looks = 0;
    this.#emptyLooks = 0;
    this.#since = now;
  }

  /** @param actors Number of actors that are connected. */
  size(actors: number): number {
    const frames = this.#rate * this.#windowSeconds * this.#allowance;
    const share = Math.ceil(frames / Math.max(actors, 1));
    return Math.min(Math.max(share, LEAST_WINDOW), MOST_WINDOW);
  }
}
