import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { repository } from "./results.ts";

/** What `fleet.ts` prints at its end. */
export interface FleetReport {
  readonly actors: number;
  readonly connected: number;
  readonly connected_at_end: number;
  readonly seconds: number;
  readonly durable_frames: number;
  readonly frames_per_second: number;
  readonly frames_per_actor: { readonly least: number; readonly most: number };
  readonly refused_frames: number;
  readonly lost_sessions: readonly string[];
  readonly durable_after_ms: { readonly median: number; readonly p99: number };
  readonly cpu_seconds: number;
  readonly resident_megabytes: number;
}

export interface FleetProcessOptions {
  readonly learner: string;
  readonly actors: number;
  readonly hosts: number;
  readonly name?: string;
  readonly warmUp?: number;
  readonly seconds: number;
  readonly prefix?: readonly string[];
}

/** A fleet in a process of its own. */
export class FleetProcess {
  /** Resolves when it begins to measure. */
  readonly measuring: Promise<void>;
  readonly report: Promise<FleetReport>;
  readonly #child: ChildProcess;

  constructor(options: FleetProcessOptions) {
    const { learner, actors, hosts, name = "fleet", warmUp = 2, seconds, prefix = [] } = options;
    const script = join(repository, "bench", "dist", "bench", "fleet.js");
    const [program = "", ...argv] = [
      ...[...prefix, process.execPath, script, "--learner", learner, "--name", name],
      ...["--actors", String(actors), "--hosts", String(hosts)],
      ...["--warm-up", String(warmUp), "--seconds", String(seconds)],
    ];
    this.#child = spawn(program, argv, { stdio: ["ignore", "pipe", "inherit"] });
    if (!this.#child.stdout) throw new Error("the fleet has no output");
    const lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => {
      const { value, done } = await lines.next();
      if (done) throw new Error("the fleet ended without a report");
      return JSON.parse(String(value));
    };
    this.measuring = next().then(() => undefined);
    this.report = this.measuring.then(() => next() as Promise<FleetReport>);
    this.report.catch(() => undefined);
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}
