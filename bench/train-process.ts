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

export interface TrainProcessOptions {
  /** `troupe train` by default. */
  readonly command?: "train" | "learner";
  /** Options of Node, such as --cpu-prof. */
  readonly node?: readonly string[];
  /** Put before everything, such as a command that runs it in another network namespace. */
  readonly prefix?: readonly string[];
  /** Where files go; by default somewhere in the system's folder for temporary ones. */
  readonly folder?: string;
}

/** A run in a process of its own, seen as an operator sees it: metrics and memory. */
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
  static async start(
    argv: readonly string[],
    options: TrainProcessOptions = {},
  ): Promise<TrainProcess> {
    const { command = "train", node = [], prefix = [], folder: parent = tmpdir() } = options;
    const folder = mkdtempSync(join(parent, "troupe-bench-"));
    const place = ["--run-dir", folder, "--name", "run", "--no-progress", "--log-level", "warn"];
    const cli = [process.execPath, ...node, join(repository, "dist", "cli.js")];
    const [program = "", ...rest] = [...prefix, ...cli, command, ...argv, ...place];
    const child = spawn(program, rest, { stdio: ["ignore", "ignore", "inherit"] });
    try {
      return new TrainProcess(child, folder, await metricsUrl(join(folder, "run"), child));
    } catch (thrown) {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
      throw thrown;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Where actors connect to; of a learner. */
  async address(): Promise<string> {
    for (;;) {
      const { address } = readRunInfo(join(this.#folder, "run"));
      if (address !== null) return address;
      if (!this.isRunning) throw new Error("the learner has ended");
      await sleep(50);
    }
  }

  /** Asks for an orderly end and waits for it. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#exited;
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
