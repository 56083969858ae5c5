import type { MakeCritic } from "../plugin.ts";
import { c51 } from "./c51.ts";
import type { CriticHead } from "./critic-head.ts";
import { hlGauss } from "./hl-gauss.ts";
import { type LogitRule, type LogitRuleName, logitRules } from "./logit-rules.ts";
import { type RegressionLoss, regression } from "./regression.ts";
import { makeSupport, type SupportOptions } from "./support.ts";
import { twoHot } from "./two-hot.ts";

/** What heads are made from; each takes what it needs. */
export interface CriticHeadOptions {
  /** mse only. huber: with LAP's priorities and no importance weights (Fujimoto et al. 2020). */
  readonly criticLoss: RegressionLoss;
  /** Where the distribution of a categorical critic lives. */
  readonly support: SupportOptions;
  /** hl-gauss only: standard deviation of the target in bins. */
  readonly sigmaRatio: number;
  /** How the logits of a categorical critic become probabilities; softmax when left out. */
  readonly probabilities?: LogitRuleName;
  /** `plugins.options`, for heads from plugins. */
  readonly own?: Readonly<Record<string, unknown>>;
}

const ruleOf = ({ probabilities = "softmax" }: CriticHeadOptions): LogitRule =>
  logitRules[probabilities];

/** A new head is a file like its neighbours and a line here. */
const heads = {
  mse: ({ criticLoss }) => regression(criticLoss),
  "hl-gauss": (options) =>
    hlGauss(makeSupport(options.support), options.sigmaRatio, ruleOf(options)),
  "two-hot": (options) => twoHot(makeSupport(options.support), ruleOf(options)),
  c51: (options) => c51(makeSupport(options.support), ruleOf(options)),
} satisfies Readonly<Record<string, (options: CriticHeadOptions) => CriticHead>>;

export type CriticName = keyof typeof heads;

export const criticNames = Object.keys(heads) as readonly CriticName[];

export function isCriticName(name: string): name is CriticName {
  return Object.hasOwn(heads, name);
}

/** One of ours by its name, or another. */
export function criticHead(
  critic: CriticName | MakeCritic,
  options: CriticHeadOptions,
): CriticHead {
  return typeof critic === "function" ? critic(options) : heads[critic](options);
}
