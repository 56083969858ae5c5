import type { BoxSpace, Env } from "../env.ts";
import type { Findings, Severity } from "./finding.ts";

/** What training needs of the spaces, beyond that they are well formed. */
export function checkSpaces({ observationSpace, actionSpace }: Env, findings: Findings): void {
  const add = (kind: string, severity: Severity, [what, fix]: readonly [string, string]): void =>
    findings.add(kind, { severity, check: "spaces", what, where: null, fix });
  if (actionSpace.kind === "discrete") {
    const what = `${actionSpace.count} discrete actions`;
    add("discrete", "error", [what, "SAC and PPO act in a box: offer continuous actions"]);
    return;
  }
  const open = actionSpace.low.findIndex(
    (low, i) => !Number.isFinite(low) || !Number.isFinite(actionSpace.high[i]),
  );
  if (open >= 0) {
    const bounds = `[${actionSpace.low[open]}, ${actionSpace.high[open]}]`;
    const what = `action ${open} is bounded by ${bounds}`;
    add("unbounded", "error", [
      what,
      "give finite bounds, a MuJoCo actuator its ctrlrange: policies act in [-1, 1], scaled to them",
    ]);
  }
  for (const [name, space] of [
    ["observation", observationSpace] as const,
    ["action", actionSpace] as const,
  ]) {
    const fixed = constant(space);
    if (fixed < 0) continue;
    const what = `${name} ${fixed} can only be ${space.low[fixed]}`;
    add(`constant ${name}`, "warning", [what, "leave it out, or give it the range it has"]);
  }
}

function constant({ low, high }: BoxSpace): number {
  return low.findIndex((bottom, i) => bottom === high[i]);
}
