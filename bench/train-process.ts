import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readRunInfo } from "../src/learner/run-info.ts";
import { repository } from "./results.ts";

const START_TIMEOUT_MS = 60_000;

/** Samples of a scrape by `name{label="value",...}`, and when they were read. */
export interface Scrape {
  readonly time: number;
  readonly samples: ReadonlyMap<string, number>;
}

/** A `troupe train` in a process of its own, seen as an operator sees it: metrics and memory. */
export class TrainProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #folder: string;
  readonly #url: string;

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child;
    this.#exited = once(child, "exit");
    this.#folder = folder;
    this.#url = url;
  }

  /** @param argv After `troupe train`. */
  static async start(argv: readonly string[]): Promise<TrainProcess> {
    const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"));
    const place = ["--run-dir", folder, "--name", "run", "--no-progress", "--log-level", "warn"];
    const child = spawn(
      process.execPath,
      [join(repository, "dist", "cli.js"), "train", ...argv, ...place],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    try {
      return new TrainProcess(child, folder, await metricsUrl(join(folder, "run"), child));
    } catch (thrown) {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
      throw thrown;
    }
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Null while it runs, or when a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  async scrape(): Promise<Scrape> {
    const response = await fetch(this.#url);
    const text = await response.text();
    const samples = text.split("\n").flatMap((line): [string, number][] => {
      if (line === "" || line.startsWith("#")) return [];
      const space = line.lastIndexOf(" ");
      return [[line.slice(0, space), Number(line.slice(space + 1))]];
    });
    return { time: performance.now(), samples: new Map(samples) };
  }

  /** The next scrape in which `name` has moved: counters arrive in batches, twice a second. */
  async scrapeAtChange(name: string): Promise<Scrape> {
    const before = (await this.scrape()).samples.get(name);
    for (;;) {
      await sleep(10);
      const scrape = await this.scrape();
      if (scrape.samples.get(name) !== before) return scrape;
    }
  }

  /** Stops all its threads until `resume`. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** Resident megabytes now, and the most so far. */
  memory(): { readonly resident: number; readonly peak: number } {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    const megabytes = (field: string): number =>
      (Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024) / 1e6;
    return { resident: megabytes("VmRSS"), peak: megabytes("VmHWM") };
  }

  /** Ends it at once: what it would still write is of no use. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) {
      this.#child.kill("SIGKILL");
      await this.#exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function metricsUrl(run: string, child: ChildProcess): Promise<string> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    await sleep(50);
    try {
      const { metricsUrl: url } = readRunInfo(run);
      if (url !== null) return url;
    } catch {
      // The folder appears when the run has begun.
    }
  }
  throw new Error("the run did not start");
}
