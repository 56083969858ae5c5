import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "../../src/errors.ts";
import type { RunLock } from "../../src/storage/run-lock.ts";
import { commitFiles } from "./commit.ts";
import { type Experiment, type PlannedRun, planRuns } from "./experiment.ts";
import { isComplete, RunShelf } from "./find-runs.ts";
import { assembleResult, describeArm, type ExperimentResult, ResultFolder } from "./result.ts";
import { RunSlot } from "./slot.ts";

export interface CampaignOptions {
  readonly experiments: readonly Experiment[];
  /** Holds the run folders. */
  readonly runs: string;
  /** Holds the results, inside the repository that they are committed to. */
  readonly results: string;
  /** Runs at a time. */
  readonly jobs: number;
  /** Whether to commit results as they change. */
  readonly commit: boolean;
  /** Kept with the results that change. */
  readonly note?: string | undefined;
  /** The program that trains: `dist/cli.js`. */
  readonly cli: string;
  /** Takes a line of what goes on. */
  readonly report: (line: string) => void;
}

/** What became of the runs that were due, by name. */
export interface CampaignEnd {
  readonly completed: readonly string[];
  readonly failed: readonly string[];
  /** Another process is at them. */
  readonly elsewhere: readonly string[];
}

/** A run that this campaign works on. */
interface Active {
  readonly planned: PlannedRun;
  readonly slot: RunSlot;
  readonly child: ChildProcess;
}

const REPORT_MS = 30_000;

/**
 * Trains what is missing of some experiments and keeps their results.
 *
 * What is done is read from the results and the run folders alone, so that it may end in any way at any time
 * and be started again, also beside another of its kind: a run belongs to whoever holds its slot's lock, and
 * a learner of any origin holds its folder's.
 */
export class Campaign {
  readonly #options: CampaignOptions;
  readonly #shelf: RunShelf;
  readonly #results: ResultFolder;
  readonly #active = new Set<Active>();
  readonly #end = { completed: [] as string[], failed: [] as string[], elsewhere: [] as string[] };
  #stopping = false;
  /** One result after the other is written and committed. */
  #recording: Promise<void> = Promise.resolve();

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#shelf = new RunShelf(options.runs);
    this.#results = new ResultFolder(options.results);
  }

  /** Until nothing is missing that could be trained, or `stop`. */
  async run(): Promise<CampaignEnd> {
    await this.collect();
    const queue = [...(await this.#missing())];
    const timer = setInterval(() => this.#reportProgress(), REPORT_MS);
    const work = async (): Promise<void> => {
      for (let run = queue.shift(); run !== undefined && !this.#stopping; run = queue.shift()) {
        await this.#attempt(run);
      }
    };
    try {
      await Promise.all(Array.from({ length: this.#options.jobs }, work));
      await this.#recording;
    } finally {
      clearInterval(timer);
    }
    return this.#end;
  }

  /** Starts no more runs and hands `signal` to those that go on: they write a checkpoint and end. */
  stop(signal: NodeJS.Signals): void {
    this.#stopping = true;
    for (const { child } of this.#active) child.kill(signal);
  }

  /** Writes the results that run folders add to, without training any. */
  async collect(): Promise<void> {
    for (const experiment of this.#options.experiments) await this.#record(experiment);
  }

  /** The runs that `run` would begin or go on with now. */
  async due(): Promise<readonly PlannedRun[]> {
    const due: PlannedRun[] = [];
    for (const run of await this.#missing()) {
      if (["stopped", "missing"].includes(await this.#shelf.state(run))) due.push(run);
    }
    return due;
  }

  /** The runs that no result holds, each once though several experiments may need it. */
  async #missing(): Promise<readonly PlannedRun[]> {
    const runs = new Map<string, PlannedRun>();
    for (const experiment of this.#options.experiments) {
      for (const run of await planRuns(experiment)) {
        const isKnown = this.#results.anyRunResult(run) !== undefined;
        if (!isKnown && !runs.has(run.key)) runs.set(run.key, run);
      }
    }
    return [...runs.values()];
  }

  async #attempt(planned: PlannedRun): Promise<void> {
    const slot = new RunSlot(this.#options.runs, planned);
    const held = lockUnlessTaken(slot);
    if (held === undefined) {
      this.#leave(planned);
      return;
    }
    using _ = held;
    // Asked for under the lock: another campaign may have trained it since this one looked.
    const state = await this.#shelf.state(planned);
    if (state === "running") {
      this.#leave(planned);
      return;
    }
    if (state !== "complete" && !(await this.#train(planned, slot))) return;
    this.#end.completed.push(planned.name);
    await this.#recordAll(planned);
  }

  #leave({ name }: PlannedRun): void {
    this.#options.report(`${name}: another process is at it`);
    this.#end.elsewhere.push(name);
  }

  /** Whether it is complete now. */
  async #train(planned: PlannedRun, slot: RunSlot): Promise<boolean> {
    const { report, runs, cli } = this.#options;
    const before = await this.#shelf.find(planned);
    if (this.#stopping) return false;
    report(`${planned.name}: ${before ? `goes on from ${before.info.envSteps} steps` : "begins"}`);
    const name = before?.info.id ?? freeName(runs, planned);
    const place = ["--run-dir", runs, "--name", name];
    const argv = [cli, ...planned.argv, ...place, "--resume", "auto", "--progress-lines"];
    const active = { planned, slot, child: slot.withLog((log) => start(argv, log)) };
    this.#active.add(active);
    slot.sampleLoad();
    const ended = await end(active.child);
    this.#active.delete(active);
    const after = await this.#shelf.find(planned);
    if (after && isComplete(after, planned)) return true;
    if (this.#stopping) {
      report(`${planned.name}: stopped`);
      return false;
    }
    report(`${planned.name}: ended with ${ended}; see ${slot.log}`);
    this.#end.failed.push(planned.name);
    return false;
  }

  /** Of every experiment that the run is part of. */
  async #recordAll({ key }: PlannedRun): Promise<void> {
    for (const experiment of this.#options.experiments) {
      const runs = await planRuns(experiment);
      if (runs.some((run) => run.key === key)) await this.#record(experiment);
    }
  }

  #record(experiment: Experiment): Promise<void> {
    this.#recording = this.#recording.then(() => this.#recordNow(experiment));
    return this.#recording;
  }

  async #recordNow(experiment: Experiment): Promise<void> {
    const { commit, note, report } = this.#options;
    const before = this.#results.read(experiment);
    const result = await assembleResult(experiment, {
      shelf: this.#shelf,
      results: this.#results,
      note,
    });
    if (countRuns(result) > 0 && JSON.stringify(result) !== JSON.stringify(before)) {
      this.#results.write(result);
      report(`${experiment.id}: ${figures(result).join(", ")}`);
    }
    if (commit && countRuns(result) > 0) await this.#commit(result);
  }

  /** A commit that fails is made up for by the next one, or the next start. */
  async #commit(result: ExperimentResult): Promise<void> {
    const { report } = this.#options;
    const runs = countRuns(result);
    const subject = `bench: ${result.experiment}, ${runs} of ${runs + result.missing.length} runs`;
    const message = [subject, "", ...figures(result)].join("\n");
    try {
      const name = await commitFiles(this.#results.files(result), message);
      if (name !== undefined) report(`${result.experiment}: committed as ${name}`);
    } catch (thrown) {
      report(`${result.experiment}: not committed: ${(thrown as Error).message}`);
    }
  }

  #reportProgress(): void {
    for (const { planned, slot } of this.#active) {
      slot.sampleLoad();
      this.#options.report(`${planned.name}: ${slot.progress ?? "starting"}`);
    }
  }
}

/** What has the name already is another run, such as one of the experiment before it was changed. */
function freeName(runs: string, { name, key }: PlannedRun): string {
  return existsSync(join(runs, name)) ? `${name}-${key.slice(0, 6)}` : name;
}

function lockUnlessTaken(slot: RunSlot): RunLock | undefined {
  try {
    return slot.lock();
  } catch (thrown) {
    if (RunError.from(thrown).code === "RUN_LOCKED") return undefined;
    throw thrown;
  }
}

/**
 * In a process group of its own: Ctrl-C reaches the whole group of a terminal's foreground, and the second
 * one, which `stop` hands on, would end the run without a checkpoint.
 */
function start(argv: readonly string[], log: number): ChildProcess {
  const variables = Object.entries(process.env).filter(([name]) => !name.startsWith("TROUPE_"));
  return spawn(process.execPath, argv, {
    detached: true,
    stdio: ["ignore", log, log],
    env: Object.fromEntries(variables),
  });
}

async function end(child: ChildProcess): Promise<string> {
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  return signal ?? `code ${code}`;
}

function countRuns({ arms }: ExperimentResult): number {
  return arms.reduce((sum, { runs }) => sum + runs.length, 0);
}

function figures({ arms, seeds }: ExperimentResult): readonly string[] {
  return arms.map((arm) => describeArm(arm, seeds.length));
}
