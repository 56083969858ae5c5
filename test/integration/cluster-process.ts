import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "vitest";
import { freePort } from "../free-port.ts";
import { SMALL, scratchFolder, settings, TroupeProcess } from "./train-process.ts";

/** A cluster of processes on this machine: one run folder, one address. */
export class TestCluster {
  readonly folder: string;
  readonly address: string;
  readonly #context: TestContext;
  readonly #runDir: string;

  private constructor(context: TestContext, port: number) {
    this.#context = context;
    this.#runDir = scratchFolder(context);
    this.folder = join(this.#runDir, "run");
    this.address = `127.0.0.1:${port}`;
  }

  static async open(context: TestContext): Promise<TestCluster> {
    return new TestCluster(context, await freePort());
  }

  /** Starts the learner, or starts it again. */
  learner(more: Parameters<typeof settings>[0], ...argv: readonly string[]): TroupeProcess {
    return new TroupeProcess(this.#context, [
      ...["learner", "PointMass-v0", "--name", "run", "--run-dir", this.#runDir],
      ...["--listen", this.address, "--resume", "auto", "--no-progress", "--log-format", "json"],
      ...SMALL,
      ...settings(more),
      ...argv,
    ]);
  }

  actor(hostId: string, ...argv: readonly string[]): TroupeProcess {
    const journal = ["--journal", this.journal(hostId)];
    return new TroupeProcess(this.#context, [
      ...["actor", "--learner", this.address, "--host-id", hostId, "--log-format", "json"],
      ...journal,
      ...argv,
    ]);
  }

  journal(hostId: string): string {
    return join(this.#runDir, `${hostId}.journal`);
  }

  /** run.json. */
  info(): Readonly<Record<string, unknown>> {
    return JSON.parse(readFileSync(join(this.folder, "run.json"), "utf8"));
  }

  hasCheckpoint(): boolean {
    return existsSync(join(this.folder, "checkpoints", "last"));
  }
}

/** What an actor host knows to be durable. */
export interface JournalLine {
  readonly slot: number;
  readonly incarnation: number;
  readonly sequence: number;
  readonly steps: number;
  readonly refused?: string;
}

export function readJournal(path: string): readonly JournalLine[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as JournalLine);
}
