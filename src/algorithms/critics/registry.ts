import { c51 } from "./c51.ts";
import type { CriticHead } from "./critic-head.ts";
import { hlGauss } from "./hl-gauss.ts";
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
}

/** A new head is a file like its neighbours and a line here. */
const heads = {
  mse: ({ criticLoss }) => regression(criticLoss),
  "hl-gauss": ({ support, sigmaRatio }) => hlGauss(makeSupport(support), sigmaRatio),
  "two-hot": ({ support }) => twoHot(makeSupport(support)),
  c51: ({ support }) => c51(makeSupport(support)),
} satisfies Readonly<Record<string, (options: CriticHeadOptions) => CriticHead>>;

export type CriticName = keyof typeof heads;

export const criticNames = Object.keys(heads) as readonly CriticName[];

export function criticHead(name: CriticName, options: CriticHeadOptions): CriticHead {
  return heads[name](options);
}
