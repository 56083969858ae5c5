import type { z } from "zod";
import { parseAddress } from "./address.ts";
import { criticNames, policyNames } from "./algorithm-parts.ts";
import { didYouMean } from "./nearest.ts";
import { presetAlgorithms } from "./preset-names.ts";
import { checkCritic } from "./rules/critic.ts";
import { checkOnPolicy } from "./rules/on-policy.ts";
import { checkDrm, checkDrqv2, checkMixture, checkPolicy } from "./rules/policy.ts";
import { checkRateLimit, checkReplay, checkUnrolls } from "./rules/replay.ts";
import type { Report } from "./rules/report.ts";
import type { Config } from "./schema.ts";

/** What must hold between fields; each that does not is named with its value and a way out. */
export function checkRules(config: Config, context: z.RefinementCtx): void {
  const report: Report = (path, message) => {
    context.addIssue({ code: "custom", path: path.split("."), message });
  };
  checkPreset(config, report);
  checkNames(config, report);
  checkReplay(config, report);
  checkUnrolls(config, report);
  checkRateLimit(config, report);
  checkActors(config, report);
  checkCluster(config, report);
  checkCritic(config, report);
  checkNetworks(config, report);
  checkPolicy(config, report);
  checkMixture(config, report);
  checkDrm(config, report);
  checkDrqv2(config, report);
  checkOnPolicy(config, report);
}

/** A preset's other fields mean little to another algorithm. */
function checkPreset({ preset, algorithm }: Config, report: Report): void {
  if (preset === "auto" || presetAlgorithms[preset] === algorithm.name) return;
  const other = `is ${preset}, but algorithm.name is ${algorithm.name}`;
  report("preset", `${other}; leave one of them out`);
}

/** A name that is not ours must come from somewhere. */
function checkNames({ algorithm, plugins }: Config, report: Report): void {
  if (plugins.files.length > 0) return;
  const check = (field: "critic" | "policy", names: readonly string[]): void => {
    const name = algorithm[field];
    if (names.includes(name)) return;
    report(
      `algorithm.${field}`,
      `must be ${names.join(" or ")}, not ${JSON.stringify(name)}${didYouMean(name, names)}; one of your own needs its file in plugins.files`,
    );
  };
  check("critic", criticNames);
  check("policy", policyNames);
}

function checkActors({ actors, deterministic }: Config, report: Report): void {
  if (deterministic && actors.count !== "auto" && actors.count !== 1) {
    report(
      "actors.count",
      `is ${actors.count}, but deterministic runs have one actor; use 1 or "auto", or set deterministic to false`,
    );
  }
  const { initialDelaySeconds, maxDelaySeconds } = actors.restart;
  if (initialDelaySeconds > maxDelaySeconds) {
    report(
      "actors.restart.initialDelaySeconds",
      `is ${initialDelaySeconds}, more than actors.restart.maxDelaySeconds (${maxDelaySeconds}); lower it`,
    );
  }
}

function checkCluster({ cluster }: Config, report: Report): void {
  try {
    parseAddress(cluster.listen, "");
  } catch {
    report(
      "cluster.listen",
      `is ${JSON.stringify(cluster.listen)}, no HOST:PORT; write for example 0.0.0.0:7447`,
    );
  }
}

function checkNetworks({ algorithm }: Config, report: Report): void {
  const { hidden } = algorithm;
  for (const part of ["policy", "critic"] as const) {
    const { architecture, width, norm } = algorithm.network[part];
    const path = `algorithm.network.${part}`;
    if (architecture === "mlp") continue;
    if (norm !== "none") {
      report(`${path}.norm`, `is ${norm}, but ${architecture} has norms of its own; use none`);
    }
    if (width === "auto" && hidden.some((units) => units !== hidden[0])) {
      report(
        `${path}.width`,
        `is auto, and algorithm.hidden (${hidden.join(", ")}) has several widths, but the blocks of ${architecture} have one; give it`,
      );
    }
  }
}
