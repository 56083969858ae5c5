import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "vitest";

/** A folder for one test, removed when it ends. */
export function scratchFolder({ onTestFinished }: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "troupe-integration-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20 }));
  return folder;
}

/** `--set` flags for networks and batches so small that processes and threads take most of the time. */
export const SMALL: readonly string[] = settings({
  "algorithm.hidden": "[16,16]",
  "algorithm.batchSize": 16,
  "algorithm.learningStarts": 100,
  "replay.capacity": 20_000,
  "learner.threads": 1,
  "actors.count": 1,
  "evaluation.interval": 0,
  "metrics.logIntervalSeconds": 0.2,
});

export function settings(values: Readonly<Record<string, string | number | boolean>>): string[] {
  return Object.entries(values).flatMap(([path, value]) => ["--set", `${path}=${value}`]);
}

/** A line of the log, from stderr. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the last thing the test did to the process, or its start, to its end. */
  readonly milliseconds: number;
}

/** `troupe` in a process of its own. It is killed when the test ends, whatever happened. */
export class TroupeProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  #stdout = "";
  #stderr = "";
  #since = performance.now();

  /**
   * @param argv The command and what follows it.
   * @param environment Added to this process's own, without its TROUPE_ variables.
   */
  constructor(
    context: TestContext,
    argv: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("TROUPE_"));
    this.#child = spawn(process.execPath, ["dist/cli.js", ...argv], {
      env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (text: Buffer) => (this.#stdout += text));
    this.#child.stderr?.on("data", (text: Buffer) => (this.#stderr += text));
    this.#ended = once(this.#child, "close");
    // It writes until it is gone, into a folder that is removed next.
    context.onTestFinished(async () => {
      this.#child.kill("SIGKILL");
      await this.#ended;
    });
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** What was logged so far; lines that are no JSON are left out. */
  get log(): readonly LogLine[] {
    return logLines(this.#stderr);
  }

  kill(signal: NodeJS.Signals): void {
    this.#since = performance.now();
    this.#child.kill(signal);
  }

  /** Resolves when the process has ended and said all it had to say. */
  async ended(): Promise<Ended> {
    const [code, signal] = (await this.#ended) as [number | null, NodeJS.Signals | null];
    const milliseconds = performance.now() - this.#since;
    return { code, signal, stdout: this.#stdout, stderr: this.#stderr, milliseconds };
  }

  /** Polls until `look` finds something. @throws Error when the process ends before. */
  async until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`the process ended before: ${what}\n${this.#stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** The first line of the log that holds `text`. */
  untilLogged(text: string): Promise<LogLine> {
    return this.until(text, () => this.log.find(({ msg }) => msg.includes(text)));
  }
}

/** Starts `troupe train` with what every test wants: JSON lines and the run in `runDir`. */
export function startTrain(
  context: TestContext,
  runDir: string,
  rest: {
    readonly argv: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
  },
): TroupeProcess {
  const argv = [
    "train",
    ...rest.argv,
    "--run-dir",
    runDir,
    "--no-progress",
    "--log-format",
    "json",
  ];
  return new TroupeProcess(context, argv, rest.environment);
}

export function logLines(stderr: string): readonly LogLine[] {
  return stderr
    .slice(0, stderr.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as LogLine);
}

/**
 * Kills a run a moment after its first checkpoint of `step` or later.
 *
 * A checkpoint's files are there at once; records come twice a second, in which a fast machine is done.
 */
export async function killPast(
  run: TroupeProcess,
  folder: string,
  {
    step,
    moment = 10,
  }: { readonly step: number /** In milliseconds. */; readonly moment?: number },
): Promise<void> {
  await run.until(`a checkpoint of step ${step}`, () =>
    checkpointSteps(folder).some((steps) => steps >= step),
  );
  await new Promise((resolve) => setTimeout(resolve, moment));
  run.kill("SIGKILL");
  const { signal, stderr } = await run.ended();
  if (signal !== "SIGKILL") throw new Error(`it ended before it was killed\n${stderr}`);
}

/** Environment steps of a run's checkpoints. */
export function checkpointSteps(folder: string): readonly number[] {
  const checkpoints = join(folder, "checkpoints");
  if (!existsSync(checkpoints)) return [];
  return readdirSync(checkpoints)
    .flatMap((name) => /^ckpt_\d+_(\d+)/.exec(name)?.[1] ?? [])
    .map(Number);
}

/** The last record of metrics.jsonl, or undefined while there is none. */
export function lastRecord(run: string): Readonly<Record<string, number>> | undefined {
  return records(run).at(-1);
}

/** Complete records of metrics.jsonl. */
export function records(run: string): readonly Readonly<Record<string, number>>[] {
  const file = join(run, "metrics.jsonl");
  if (!existsSync(file)) return [];
  const text = readFileSync(file, "utf8");
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, number>);
}
