import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { RunLock } from "../../src/storage/run-lock.ts";
import type { PlannedRun } from "./experiment.ts";

interface Load {
  readonly samples: number;
  readonly sum: number;
}

/** What a campaign keeps of one run beside the run folders: who works on it, what it said, the load. */
export class RunSlot {
  readonly folder: string;

  /** @param runs The folder of the run folders. */
  constructor(runs: string, { key }: PlannedRun) {
    // A name with a dot is none of a run folder.
    this.folder = join(runs, ".campaign", key);
  }

  get log(): string {
    return join(this.folder, "output.log");
  }

  /**
   * Of this process, until it is disposed or the process ends.
   * @throws RunError RUN_LOCKED while another campaign has it.
   */
  lock(): RunLock {
    mkdirSync(this.folder, { recursive: true });
    return RunLock.acquire(this.folder);
  }

  /** Runs `use` with the log open for appending. */
  withLog<T>(use: (descriptor: number) => T): T {
    const descriptor = openSync(this.log, "a");
    try {
      return use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  /** Adds what the machine is busy with now, over one minute. */
  sampleLoad(): void {
    const { samples, sum } = this.#readLoad();
    const load: Load = { samples: samples + 1, sum: sum + (loadavg()[0] ?? 0) };
    writeFileSync(this.#loadFile, JSON.stringify(load));
  }

  /** The mean of all samples; null without any. */
  get meanLoad(): number | null {
    const { samples, sum } = this.#readLoad();
    return samples === 0 ? null : sum / samples;
  }

  /** The last line of progress, without its clock. */
  get progress(): string | undefined {
    if (!existsSync(this.log)) return undefined;
    const lines = readFileSync(this.log, "utf8").split("\n");
    return lines.findLast((line) => /^\d\d:\d\d:\d\d /.test(line))?.slice(9);
  }

  get #loadFile(): string {
    return join(this.folder, "load.json");
  }

  #readLoad(): Load {
    if (!existsSync(this.#loadFile)) return { samples: 0, sum: 0 };
    return JSON.parse(readFileSync(this.#loadFile, "utf8")) as Load;
  }
}
