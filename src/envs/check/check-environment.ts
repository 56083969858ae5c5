import { setTimeout as sleep } from "node:timers/promises";
import { RandomStream } from "../../math/random.ts";
import { randomActions } from "../benchmark.ts";
import type { Env, Space } from "../env.ts";
import { describeThrown } from "../own/code-place.ts";
import { type CheckFigures, type CheckReport, type Finding, Findings } from "./finding.ts";
import { checkMemory } from "./memory-growth.ts";
import { CallFailure, type CallPlace, Probe } from "./probe.ts";
import { checkRepeatability } from "./repeatability.ts";
import { Rollout, type RolloutFigures } from "./rollout.ts";
import { checkSpaces } from "./spaces.ts";

export interface CheckOptions {
  /** As the user named it. */
  readonly name: string;
  /** Steps looked at one by one. */
  readonly steps: number;
  /** Checks stop after this; each of them has its share. */
  readonly seconds: number;
  readonly onFinding?: (finding: Finding) => void;
  /** Before every call into the environment. */
  readonly onCall?: (place: CallPlace) => void;
}

/** Timers that are due and rejections come to light in less. */
const IDLE_MS = 20;

const NOTHING: CheckFigures = {
  steps: 0,
  episodes: 0,
  meanEpisodeLength: null,
  stepMicros: null,
  resetMicros: null,
  bytesPerReset: null,
};

/**
 * Examines an environment as Gymnasium's checker does, and further: spaces, every number of many steps,
 * repeatability, snapshots, memory. Never throws for what the environment does.
 */
export async function checkEnvironment(
  make: () => Promise<Env>,
  options: CheckOptions,
): Promise<CheckReport> {
  const start = performance.now();
  const findings = new Findings(options.onFinding);
  const onCall = options.onCall ?? (() => undefined);
  const envs: Env[] = [];
  const open = async (): Promise<Probe> => {
    onCall({ call: "make", seed: 0, step: 0 });
    const env = await make();
    envs.push(env);
    return new Probe(env, onCall);
  };
  let figures = NOTHING;
  try {
    const [probe, twin] = [await open(), await open()];
    figures = examine({ probe, twin, findings }, options, start);
    // Errors that nobody is there to catch end the thread once it is idle: before it reports that all is well.
    await sleep(IDLE_MS);
  } catch (thrown) {
    findings.add("throws", failed(thrown, "making it threw"));
  }
  closeAll(envs, findings);
  return {
    env: envs[0]?.id ?? options.name,
    ok: !findings.hasErrors,
    findings: findings.all,
    figures,
    seconds: (performance.now() - start) / 1000,
  };
}

interface Examined {
  readonly probe: Probe;
  readonly twin: Probe;
  readonly findings: Findings;
}

function examine(
  { probe, twin, findings }: Examined,
  { steps, seconds }: CheckOptions,
  start: number,
): CheckFigures {
  const until = (share: number): number => start + 1000 * seconds * share;
  checkSpaces(probe.env, findings);
  if (probe.env === twin.env) {
    findings.add("same", {
      severity: "error",
      check: "independence",
      what: "the file gives the same environment every time it is asked for one",
      where: null,
      fix: "make a new one in each call of the function it exports",
    });
  }
  const actions = actionsOf(probe.env.actionSpace);
  let rolled: RolloutFigures = NOTHING;
  const attempts: (() => void)[] = [
    () => {
      rolled = new Rollout(probe, findings).run(actions, { steps, deadline: until(0.5) });
    },
    () => {
      // As many steps as there is time for, twelve times over.
      const affordable = Math.floor((1e6 * seconds * 0.25) / (12 * (rolled.stepMicros ?? 1)));
      const few = actions.slice(0, Math.max(4, Math.min(300, affordable)));
      checkRepeatability({ probe, twin, actions: few }, findings);
    },
  ];
  for (const attempt of attempts) {
    try {
      attempt();
    } catch (thrown) {
      findings.add("throws", failed(thrown, "the check has ended early"));
    }
  }
  // One that fails is not worth the time.
  const measures = !findings.hasErrors;
  const bytesPerReset = measures ? checkMemory({ probe, actions }, until(1), findings) : null;
  checkActionLength(probe, findings);
  return { ...rolled, bytesPerReset };
}

/** Random actions, and now and then all that is possible. */
function actionsOf(space: Space): Float32Array[] {
  const actions = randomActions(bounded(space), RandomStream.derive(5, "check"));
  if (space.kind !== "box") return actions;
  return actions.map((action, i) => {
    if (i % 16 === 14) return bounded(space).low.slice();
    return i % 16 === 15 ? bounded(space).high.slice() : action;
  });
}

function bounded<S extends Space>(space: S): S {
  if (space.kind !== "box") return space;
  const finite = (value: number) => Math.max(-1e3, Math.min(value, 1e3));
  return { ...space, low: space.low.map(finite), high: space.high.map(finite) };
}

function checkActionLength(probe: Probe, findings: Findings): void {
  if (probe.env.actionSpace.kind !== "box") return;
  const tooLong = new Float32Array(probe.env.actionSpace.size + 1);
  try {
    probe.reset(1);
    probe.take(tooLong);
  } catch {
    return;
  }
  findings.add("length", {
    severity: "note",
    check: "actions",
    what: `an action of ${tooLong.length} numbers is taken without complaint`,
    where: probe.where,
    fix: `refuse actions that have not ${tooLong.length - 1}: throw an Error`,
  });
}

function failed(thrown: unknown, otherwise: string): Finding {
  const isCall = thrown instanceof CallFailure;
  return {
    severity: "error",
    check: "calls",
    what: isCall ? thrown.message : `${otherwise}: ${describeThrown(thrown)}`,
    where: isCall ? { seed: thrown.place.seed, step: thrown.place.step } : null,
    fix: "an environment throws only when it cannot go on; step and reset return objects, at once",
  };
}

function closeAll(envs: readonly Env[], findings: Findings): void {
  for (const env of envs) {
    try {
      env.close();
    } catch (thrown) {
      const what = `close threw: ${describeThrown(thrown)}`;
      const fix = "close lets go of what the environment holds, and never throws";
      findings.add("close", { severity: "warning", check: "calls", what, where: null, fix });
    }
  }
}
