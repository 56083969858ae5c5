import type { Config } from "../config/schema.ts";

/** Updates that are averaged before anything is said. */
const WINDOW = 1000;
/** An expert that is the best in fewer states is dead. */
const LEAST_SHARE = 0.001;

const SHARES = "pmoe/best_";

/** Averages over windows of updates how often each expert of a mixture is the best. */
export class ExpertWatch {
  readonly #warn: (message: string) => void;
  /** What a death means, and what to do about it. */
  readonly #remedy: string;
  readonly #warned = new Set<string>();
  readonly #sums = new Map<string, number>();
  #updates = 0;

  /** @param warn Told once of each expert that dies. */
  constructor(warn: (message: string) => void, config: Pick<Config, "algorithm" | "pmoe">) {
    this.#warn = warn;
    this.#remedy = remedyFor(config);
  }

  /** @returns At the end of a window the number of dead experts, where there are any experts. */
  onUpdate(metrics: Readonly<Record<string, number>>): number | undefined {
    for (const [key, share] of Object.entries(metrics)) {
      if (!key.startsWith(SHARES)) continue;
      const expert = key.slice(SHARES.length);
      this.#sums.set(expert, (this.#sums.get(expert) ?? 0) + share);
    }
    if (this.#sums.size === 0) return undefined;
    this.#updates += 1;
    if (this.#updates < WINDOW) return undefined;
    const dead = [...this.#sums].filter(([, sum]) => sum / WINDOW < LEAST_SHARE);
    for (const [expert] of dead) this.#warnOf(expert);
    this.#sums.clear();
    this.#updates = 0;
    return dead.length;
  }

  #warnOf(expert: string): void {
    if (this.#warned.has(expert)) return;
    this.#warned.add(expert);
    this.#warn(
      `expert ${expert} of the mixture was hardly ever the best in ${WINDOW} updates${this.#remedy}`,
    );
  }
}

/** Only SAC's experts that do not win learn nothing, and only where winners alone do. */
function remedyFor({ algorithm, pmoe }: Pick<Config, "algorithm" | "pmoe">): string {
  return algorithm.name === "sac" && pmoe.expertGradient === "max"
    ? ", and with pmoe.expertGradient max it no longer learns; lower pmoe.experts, or set pmoe.expertGradient to all"
    : "; it does nothing but cost time: lower pmoe.experts";
}
