import { existsSync, readFileSync } from "node:fs";
import { type FoundRun, listRuns } from "../../src/learner/find-run.ts";
import { readRunConfig, runPaths } from "../../src/learner/run-info.ts";
import { isLocked } from "../../src/storage/run-lock.ts";
import { round } from "../results.ts";
import { isSameRun, type PlannedRun } from "./experiment.ts";
import { RunSlot } from "./slot.ts";

/** How far a planned run is: `running` in whichever process, `stopped` with something to go on from. */
export type RunState = "complete" | "running" | "stopped" | "missing";

/**
 * Run folders, recognised by what was trained and not by their names, so that runs which other commands
 * have made count as well.
 */
export class RunShelf {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The folder of a planned run; of several the one that got furthest, then the newest. */
  async find(planned: PlannedRun): Promise<FoundRun | undefined> {
    const { env, algorithm, seed } = planned.config;
    const alike = listRuns(this.folder).filter(
      ({ info }) => info.env === env.id && info.algorithm === algorithm.name && info.seed === seed,
    );
    const same: FoundRun[] = [];
    for (const run of alike) if (await isRunOf(run, planned)) same.push(run);
    return same.sort((a, b) => rank(b, planned) - rank(a, planned))[0];
  }

  async state(planned: PlannedRun): Promise<RunState> {
    const run = await this.find(planned);
    if (run === undefined) return "missing";
    if (isComplete(run, planned)) return "complete";
    return isLocked(run.path) ? "running" : "stopped";
  }

  /** How busy the machine was on average; null unless a campaign trained it here. */
  load(planned: PlannedRun): number | null {
    const { meanLoad } = new RunSlot(this.folder, planned);
    return meanLoad === null ? null : round(meanLoad, 2);
  }
}

export function isComplete({ info }: FoundRun, { config }: PlannedRun): boolean {
  return info.status === "done" && info.envSteps >= config.totalSteps;
}

function rank(run: FoundRun, planned: PlannedRun): number {
  return isComplete(run, planned) ? Number.MAX_SAFE_INTEGER : run.info.envSteps;
}

/** A folder whose configuration this version does not read is none of our runs. */
async function isRunOf(run: FoundRun, planned: PlannedRun): Promise<boolean> {
  try {
    return isSameRun(await readRunConfig(run.path), planned.config);
  } catch {
    return false;
  }
}

/** Time spent training, s, evaluations included: the clock of metrics.jsonl begins anew with every start. */
export function wallSeconds(run: FoundRun): number {
  const { metrics } = runPaths(run.path);
  if (!existsSync(metrics)) return 0;
  const lines = readFileSync(metrics, "utf8").split("\n").filter(Boolean);
  let [total, last] = [0, 0];
  for (const line of lines) {
    const elapsed = (JSON.parse(line) as Record<string, number>)["time/time_elapsed"] ?? 0;
    total += elapsed < last ? elapsed : elapsed - last;
    last = elapsed;
  }
  return total;
}
