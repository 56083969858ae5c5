import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { ChaosProxy } from "./proxy.ts";
import { TroupeProcess } from "./troupe-process.ts";

export interface ClusterOptions {
  /** For everything: run folder, journals, what the processes said. */
  readonly folder: string;
  readonly seed: number;
  readonly env: string;
  /** Actor hosts, each with its own way to the learner. */
  readonly hosts: number;
  /** Actors of each host. */
  readonly workers: number;
  /** `--set` of the learner. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Folder with certificates for everybody; without, everything goes in plaintext. */
  readonly certs?: string | undefined;
  /** Of the learner's process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** An actor host and its way to the learner. */
export interface ChaosHost {
  readonly name: string;
  readonly proxy: ChaosProxy;
  readonly journal: string;
  process: TroupeProcess;
}

const POLL_MS = 20;
const MOST_FAILURES = 20;
/** Of a journal, in bytes; the first new line may be of what was under way before. */
const TWO_LINES = 120;

/** A learner and actor hosts in processes of their own, with a proxy in the way of each host. */
export class ChaosCluster implements AsyncDisposable {
  readonly options: ClusterOptions;
  readonly hosts: readonly ChaosHost[];
  /** The run folder. */
  readonly run: string;
  /** How the learner ended by itself, if it did. */
  readonly failures: string[] = [];
  readonly #port: number;
  #learner: TroupeProcess;
  #learnerStarts = 1;
  /** Processes that were replaced and may still live. */
  readonly #others = new Set<TroupeProcess>();

  private constructor(options: ClusterOptions, port: number, proxies: readonly ChaosProxy[]) {
    this.options = options;
    this.#port = port;
    this.run = join(options.folder, "runs", "run");
    this.#learner = this.#startLearner();
    this.hosts = proxies.map((proxy, i) => {
      const name = `host-${i}`;
      const journal = join(options.folder, `${name}.journal`);
      return { name, proxy, journal, process: this.#startHost(name, proxy) };
    });
  }

  /** Starts everything; actors wait for the learner by themselves. */
  static async start(options: ClusterOptions): Promise<ChaosCluster> {
    mkdirSync(join(options.folder, "runs"), { recursive: true });
    const port = await freePort();
    const proxies = await Promise.all(
      Array.from({ length: options.hosts }, (_, i) =>
        ChaosProxy.listen({ target: { host: "127.0.0.1", port }, seed: options.seed + i }),
      ),
    );
    return new ChaosCluster(options, port, proxies);
  }

  get learner(): TroupeProcess {
    return this.#learner;
  }

  /** Times the learner was started. */
  get learnerStarts(): number {
    return this.#learnerStarts;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Starts the learner again, once the one before has ended. */
  async restartLearner(): Promise<void> {
    await this.#learner.ended;
    this.#learnerStarts += 1;
    this.#learner = this.#startLearner();
  }

  /** Starts the host's process again; the one before may still run. */
  restartHost(host: ChaosHost): TroupeProcess {
    const before = host.process;
    if (before.isRunning) this.#others.add(before);
    host.process = this.#startHost(host.name, host.proxy);
    return before;
  }

  /**
   * Waits until every host has heard of durable unrolls that it had not when this was called.
   * @throws Error after `limitMs`, or when a host has ended.
   */
  async untilProgress(limitMs: number): Promise<void> {
    const before = this.hosts.map(({ journal }) => sizeOf(journal));
    await this.until(`progress of every host within ${limitMs} ms`, limitMs, () =>
      this.hosts.every(({ journal }, i) => sizeOf(journal) > (before[i] ?? 0) + TWO_LINES),
    );
  }

  /** Polls. @throws Error after `limitMs`, or when a host has ended. */
  async until(what: string, limitMs: number, look: () => boolean): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (!look()) {
      if (!this.#learner.isRunning) await this.#superviseLearner();
      const ended = this.hosts.map(({ process }) => process).find(({ isRunning }) => !isRunning);
      if (ended) throw new Error(`${what}: a process ended by itself: ${ended.tail}`);
      if (performance.now() > deadline) throw new Error(`not reached: ${what}\n${this.#tails()}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /**
   * Stops the hosts, which bring home what they have, then the learner.
   * @returns Milliseconds each took, the learner's last.
   */
  async stop(): Promise<readonly number[]> {
    const hosts = await Promise.all(this.hosts.map(({ process }) => process.stop()));
    const learner = await this.#learner.stop();
    const codes = [...hosts, learner].map(({ code }) => code);
    if (codes.some((code) => code !== 75)) {
      throw new Error(`ended with ${codes.join(", ")} instead of 75\n${this.#tails()}`);
    }
    return [...hosts, learner].map(({ milliseconds }) => milliseconds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const processes = [this.#learner, ...this.hosts.map(({ process }) => process), ...this.#others];
    await Promise.all(processes.map((process) => process.end()));
    for (const { proxy } of this.hosts) await proxy[Symbol.asyncDispose]();
  }

  /** Starts a learner that has given up again, as whatever runs it in earnest would. */
  async #superviseLearner(): Promise<void> {
    const { code, signal } = await this.#learner.ended;
    const error = this.#learner.tail.trimEnd().split("\n").at(-1) ?? "";
    this.failures.push(`${code ?? signal}: ${error}`);
    if (this.failures.length > MOST_FAILURES) throw new Error(this.failures.join("\n"));
    await this.restartLearner();
  }

  #startLearner(): TroupeProcess {
    const { env, settings, folder, environment = {}, seed } = this.options;
    return new TroupeProcess({
      argv: [
        ...["learner", env, "--name", "run", "--run-dir", join(folder, "runs"), "--resume", "auto"],
        ...["--listen", this.address, "--no-progress", "--log-format", "json"],
        ...this.#certs,
        ...Object.entries({ seed, ...settings }).flatMap(([path, value]) => [
          "--set",
          `${path}=${value}`,
        ]),
      ],
      logFile: join(folder, "learner.log"),
      environment,
    });
  }

  #startHost(name: string, proxy: ChaosProxy): TroupeProcess {
    const { folder, workers } = this.options;
    return new TroupeProcess({
      argv: [
        ...["actor", "--learner", `127.0.0.1:${proxy.port}`, "--host-id", name],
        ...["--workers", String(workers), "--journal", join(folder, `${name}.journal`)],
        ...["--log-format", "json"],
        ...this.#certs,
      ],
      logFile: join(folder, `${name}.log`),
    });
  }

  get #certs(): readonly string[] {
    const { certs } = this.options;
    return certs === undefined ? [] : ["--certs", certs];
  }

  #tails(): string {
    const hosts = this.hosts.map(({ name, process }) => `--- ${name}\n${process.tail}`);
    return [`--- learner\n${this.#learner.tail}`, ...hosts].join("\n");
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Whether the project has been built: processes start from there. */
export function isBuilt(): boolean {
  return existsSync("dist/cli.js");
}
