import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { GetStatusResponse } from "../../../src/transport/generated/troupe/v1/control.ts";

const run = promisify(execFile);
const MINI = resolve("test/deploy/slurm/mini-slurm.sh");
const TROUPE = resolve("dist/cli.js");
const PATH = `${process.env["PATH"]}:/usr/sbin:/sbin`;

/** Why there can be no Slurm here, or undefined. */
export function whyNoSlurm(): string | undefined {
  const missing = ["munged", "slurmctld", "slurmd", "sbatch"].filter(
    (name) => spawnSync("sh", ["-c", `command -v ${name}`], { env: { PATH } }).status !== 0,
  );
  if (missing.length > 0) return `there is no ${missing.join(", ")}`;
  // They start, but jobs then fail to become their user.
  if (process.getuid?.() !== 0) return "slurmd needs root to start jobs";
  return undefined;
}

/** A real Slurm of three nodes on this machine, and the shell of a user in front of it. */
export class SlurmCluster implements AsyncDisposable {
  /** Of the user: job scripts are sent from here, and it is what all nodes share. */
  readonly folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #watch: ChildProcess;

  private constructor(folder: string) {
    this.folder = folder;
    this.#environment = {
      PATH,
      HOME: folder,
      USER: "root",
      SLURM_CONF: join(folder, "slurm", "slurm.conf"),
      CLUSTER_TROUPE: TROUPE,
    };
    this.#watch = this.#takeDownWithThisProcess();
  }

  static async up(): Promise<SlurmCluster> {
    const cluster = new SlurmCluster(mkdtempSync(join(tmpdir(), "troupe-slurm-")));
    await cluster.shell(MINI, "up", join(cluster.folder, "slurm"));
    return cluster;
  }

  /** The daemons and their jobs are nobody's children: a suite that is killed would leave them running. */
  #takeDownWithThisProcess(): ChildProcess {
    const script = 'while kill -0 "$1"; do sleep 1; done; exec "$2" down "$3"';
    const argv = ["-c", script, "sh", String(process.pid), MINI, join(this.folder, "slurm")];
    const options = { env: this.#environment, detached: true, stdio: "ignore" } as const;
    const watch = spawn("sh", argv, options);
    watch.unref();
    return watch;
  }

  /** Runs a program in the user's folder. @returns What it printed. @throws Error unless it succeeds. */
  async shell(program: string, ...argv: readonly string[]): Promise<string> {
    const { stdout } = await run(program, argv, { cwd: this.folder, env: this.#environment });
    return stdout.trim();
  }

  async troupe(...argv: readonly string[]): Promise<string> {
    return await this.shell(process.execPath, TROUPE, ...argv);
  }

  /** Certificates for this machine's name, which is that of all nodes. */
  async makeCerts(): Promise<void> {
    await this.troupe("certs", "init");
    await this.troupe("certs", "issue", "learner", "--host", `${hostname()},localhost`);
    for (const role of ["actor", "viewer"]) await this.troupe("certs", "issue", role);
  }

  /** Undefined while the learner does not answer. */
  async status(name: string): Promise<GetStatusResponse | undefined> {
    try {
      const address = readFileSync(join(this.folder, "runs", `${name}.address`), "utf8").trim();
      const flags = ["--learner", address, "--certs", "certs", "--timeout", "2000", "--json"];
      return JSON.parse(await this.troupe("status", ...flags)) as GetStatusResponse;
    } catch {
      // It is not there yet, or not at the moment; whoever asks has a bound of their own.
      return undefined;
    }
  }

  /** State words of a job, such as RUNNING; none when it is over. */
  async jobStates(job: string): Promise<readonly string[]> {
    try {
      return (await this.shell("squeue", "-h", "-j", job, "-o", "%T")).split("\n").filter(Boolean);
    } catch (thrown) {
      // A controller that is busy does not answer, which is no answer.
      if (/Invalid job id/.test(String(thrown))) return [];
      throw thrown;
    }
  }

  /** A field of `scontrol show job`. */
  async jobField(job: string, field: string): Promise<string | undefined> {
    const text = await this.shell("scontrol", "show", "job", job);
    return new RegExp(`\\b${field}=(\\S*)`).exec(text)?.[1];
  }

  /** What jobs printed. */
  output(pattern: RegExp): string {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith(".out") && pattern.test(name))
      .map((name) => readFileSync(join(this.folder, name), "utf8"))
      .join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch.kill();
    await this.shell(MINI, "down", join(this.folder, "slurm"));
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20 });
  }
}
