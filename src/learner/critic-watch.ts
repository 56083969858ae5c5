import type { Config } from "../config/schema.ts";

/** What of a configuration decides what is wrong, and what would help. */
type Watched = Pick<Config, "algorithm">;

/** What is said once when something about categorical critics stays wrong. */
interface Alarm {
  readonly key: string;
  /** Beyond it, on average, something is wrong. */
  readonly limit: number;
  readonly message: (mean: string) => string;
}

const WIDEN = "widen algorithm.criticSupport or scale rewards (algorithm.rewardScaling)";

function alarmsFor({ algorithm }: Watched): readonly Alarm[] {
  const rate = algorithm.name === "ppo" ? "ppo.learningRate" : "algorithm.learningRates.critic";
  const support: readonly Alarm[] = [
    {
      key: "train/support_saturation",
      limit: 0.05,
      message: (mean) =>
        `${mean} of the critics' targets lie at or beyond the ends of their support and are cut off; ${WIDEN}`,
    },
    {
      key: "train/support_edge_mass",
      limit: 0.05,
      message: (mean) =>
        `${mean} of the critics' target probability is on the outermost atoms of their support; ${WIDEN}`,
    },
  ];
  // Stablemax is still linear where a softmax is full.
  if (algorithm.criticSupport.probabilities === "stablemax") return support;
  const logits: Alarm = {
    key: "train/logit_max",
    limit: 80,
    message: (mean) =>
      `the critics' logits reach ${mean}, where a softmax in float32 is all ones and zeros; ` +
      `lower ${rate}, or set algorithm.orthogonalGradients or ` +
      "algorithm.criticSupport.probabilities=stablemax",
  };
  return [...support, logits];
}

/** Updates that are averaged before anything is said. */
const WINDOW = 1000;

/** Averages metrics over windows of updates and warns, once each, of those beyond their limits. */
export class CriticWatch {
  readonly #warn: (message: string) => void;
  readonly #alarms: readonly Alarm[];
  readonly #warned = new Set<string>();
  readonly #sums = new Map<string, number>();
  #updates = 0;

  constructor(warn: (message: string) => void, config: Watched) {
    this.#warn = warn;
    this.#alarms = alarmsFor(config);
  }

  onUpdate(metrics: Readonly<Record<string, number>>): void {
    for (const { key } of this.#alarms) {
      const value = metrics[key];
      if (value !== undefined) this.#sums.set(key, (this.#sums.get(key) ?? 0) + value);
    }
    this.#updates += 1;
    if (this.#updates < WINDOW) return;
    for (const alarm of this.#alarms) this.#judge(alarm);
    this.#sums.clear();
    this.#updates = 0;
  }

  #judge({ key, limit, message }: Alarm): void {
    const mean = (this.#sums.get(key) ?? 0) / this.#updates;
    if (mean <= limit || this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#warn(message(limit < 1 ? `${Math.round(100 * mean)} %` : mean.toFixed(0)));
  }
}
