import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  /** After `troupe`. */
  readonly argv: readonly string[];
  /** What it says goes here, appended. */
  readonly logFile: string;
  /** Added to this process's own, without its TROUPE_ variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Put before the command, e.g. to run it on another host. */
  readonly prefix?: readonly string[];
}

/** The end of what a process said, for messages. */
const TAIL = 4_000;

/** `troupe` in a process of its own, which may be stopped, frozen and killed. */
export class TroupeProcess {
  readonly #child: ChildProcess;
  readonly #log: WriteStream;
  readonly ended: Promise<ProcessExit>;
  #tail = "";

  constructor({ argv, logFile, environment = {}, prefix = [] }: ProcessOptions) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("TROUPE_"));
    const [program = "", ...rest] = [...prefix, process.execPath, "dist/cli.js", ...argv];
    this.#log = createWriteStream(logFile, { flags: "a" });
    this.#child = spawn(program, rest, {
      env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (text: Buffer) => {
        this.#tail = (this.#tail + text.toString()).slice(-TAIL);
        this.#log.write(text);
      });
    }
    this.ended = once(this.#child, "close").then(([code, signal]) => {
      this.#log.end();
      return { code, signal } as ProcessExit;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The last of what it said. */
  get tail(): string {
    return this.#tail;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to end and waits. @returns How it ended and how long that took. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<ProcessExit & { milliseconds: number }> {
    const start = performance.now();
    this.kill(signal);
    return { ...(await this.ended), milliseconds: performance.now() - start };
  }

  /** Ends it at once, if it still runs. */
  async end(): Promise<void> {
    // A frozen process dies of it, too.
    if (this.isRunning) this.kill("SIGKILL");
    await this.ended;
  }
}
