import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type TestContext } from "vitest";
import { parse } from "yaml";
import { freePort } from "../free-port.ts";
import { scratchFolder } from "./train-process.ts";

export interface Targets {
  /** HOST:PORT of learners. */
  readonly learners: readonly string[];
  readonly actors: readonly string[];
}

/** One series of an instant query's answer. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state?: "inactive" | "pending" | "firing";
}

/** A Prometheus with the configuration and rules of deploy/prometheus, only quicker. */
export class PrometheusProcess {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

  /** Starts one that finds `targets` of the run called `run`; it is ended with the test. */
  static async start(
    context: TestContext,
    run: string,
    targets: Targets,
  ): Promise<PrometheusProcess> {
    const folder = scratchFolder(context);
    writeConfig(folder, run, targets);
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      "prometheus",
      [
        `--config.file=${join(folder, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=${address}`,
      ],
      { stdio: "ignore" },
    );
    const ended = once(child, "exit");
    context.onTestFinished(async () => {
      child.kill("SIGKILL");
      await ended;
    });
    const url = `http://${address}`;
    await poll(async () => {
      expect(child.exitCode, "Prometheus has ended").toBeNull();
      const response = await fetch(`${url}/-/ready`).catch(() => undefined);
      return response?.ok ? true : undefined;
    });
    return new PrometheusProcess(url);
  }

  /** @throws Error with what Prometheus says against the query. */
  async query(expr: string): Promise<readonly Sample[]> {
    const { result } = (await this.#get("query", { query: expr })) as {
      result: readonly { metric: Record<string, string>; value: [number, string] }[];
    };
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  async labelValues(label: string, series: string): Promise<readonly string[]> {
    const values = await this.#get(`label/${label}/values`, { "match[]": series });
    return values as readonly string[];
  }

  async rules(): Promise<readonly RuleState[]> {
    const { groups } = (await this.#get("rules", {})) as {
      groups: readonly { rules: readonly RuleState[] }[];
    };
    return groups.flatMap(({ rules }) => rules);
  }

  async #get(path: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const answer = (await response.json()) as { status: string; error?: string; data: unknown };
    if (answer.status !== "success") throw new Error(`${parameters["query"]}: ${answer.error}`);
    return answer.data;
  }
}

/** Asks again and again, since processes of others have no events to wait for. */
export async function poll<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function writeConfig(folder: string, run: string, { learners, actors }: Targets): void {
  cpSync("deploy/prometheus/rules", join(folder, "rules"), { recursive: true });
  const config = parse(readFileSync("deploy/prometheus/prometheus.yml", "utf8")) as {
    global: object;
    scrape_configs: { static_configs?: unknown; file_sd_configs: { refresh_interval: string }[] }[];
  };
  config.global = { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" };
  for (const job of config.scrape_configs) {
    // What runs on this machine's usual port is not ours.
    delete job.static_configs;
    for (const files of job.file_sd_configs) files.refresh_interval = "1s";
  }
  // YAML takes JSON as it is.
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
  for (const [name, hosts] of Object.entries({ learners, actors })) {
    mkdirSync(join(folder, "targets", name), { recursive: true });
    const groups = [{ targets: hosts, labels: { run } }];
    writeFileSync(join(folder, "targets", name, "run.json"), JSON.stringify(groups));
  }
}
