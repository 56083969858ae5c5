import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Findings } from "./finding.ts";
import type { Probe } from "./probe.ts";

const ROUNDS = 7;
/** Of a round, after which memory is looked at. */
const RESETS = 40;
const STEPS_PER_RESET = 10;
/** Per reset; garbage that is collected late stays below. */
const TOO_MUCH = 2_000;

/** Memory that stays after a reset and ten steps, in bytes; null when time is up before it is known. */
export function checkMemory(
  { probe, actions }: { readonly probe: Probe; readonly actions: readonly Float32Array[] },
  deadline: number,
  findings: Findings,
): number | null {
  const collect = garbageCollector();
  const sizes: number[] = [];
  const handles = process.getActiveResourcesInfo().length;
  probe.reset(3);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < RESETS; i++) {
      live(probe, actions);
      if (performance.now() > deadline) return null;
    }
    collect();
    const { heapUsed, external } = process.memoryUsage();
    sizes.push(heapUsed + external);
  }
  checkHandles(probe, process.getActiveResourcesInfo().length - handles, findings);
  // The first rounds warm up. A leak grows in every one, but something large that is let go of once,
  // a model's memory say, can hide that in one of them.
  const growth = sizes.slice(2).map((size, i) => size - (sizes[i + 1] ?? size));
  const sorted = growth.toSorted((a, b) => a - b);
  const perReset = (sorted[Math.floor(sorted.length / 2)] ?? 0) / RESETS;
  if ((sorted[1] ?? 0) / RESETS > TOO_MUCH) {
    findings.add("growth", {
      severity: "error",
      check: "memory",
      what: `${Math.round(perReset / 1000)} kB stay after every reset with ${STEPS_PER_RESET} steps`,
      where: probe.where,
      fix: "let go of what belongs to the last episode; a million steps would fill the memory",
    });
  }
  return Math.max(0, Math.round(perReset));
}

function live(probe: Probe, actions: readonly Float32Array[]): void {
  probe.reset();
  for (let i = 0; i < STEPS_PER_RESET; i++) {
    const action = actions[i];
    if (!action) return;
    const { terminated, truncated } = probe.take(action);
    if (terminated || truncated) return;
  }
}

function checkHandles(probe: Probe, more: number, findings: Findings): void {
  if (more < RESETS) return;
  findings.add("handles", {
    severity: "error",
    check: "memory",
    what: `${more} timers, files or sockets were opened and not closed in ${ROUNDS * RESETS} resets`,
    where: probe.where,
    fix: "open them in the factory, close them in close()",
  });
}

function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
