import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, type TestContext, test } from "vitest";
import { definitionOf, metricNames } from "../../src/metrics/definitions.ts";
import { skipBecause } from "../skip-because.ts";
import { SMALL, scratchFolder, settings, startTrain, type TroupeProcess } from "./train-process.ts";

// Two processes, one of which takes seconds to start on a busy machine, and some scrapes.
const TIMEOUT = { timeout: 60_000 };

/** Counts what should not happen: there is nothing to see in a run without faults. */
const FAULTS = new Set([
  "troupe_env_failures_total",
  "troupe_trajectory_dropped_total",
  "troupe_worker_restarts_total",
]);

function startRun(context: TestContext): TroupeProcess {
  const more = settings({
    "replay.sampling": "prioritized",
    "evaluation.interval": 300,
    "evaluation.episodes": 2,
    "checkpoint.intervalSteps": 300,
    "actors.count": 2,
  });
  const argv = ["PointMass-v0", "--name", "run", "-n", "1000000", ...SMALL, ...more];
  return startTrain(context, scratchFolder(context), { argv });
}

async function metricsUrl(run: TroupeProcess): Promise<string> {
  return String((await run.untilLogged("metrics for Prometheus"))["url"]);
}

const scrape = async (url: string): Promise<string> => await (await fetch(url)).text();

/** Asks again and again, since processes of others have no events to wait for. */
async function poll<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test("a run exports every metric that is declared, in good form", TIMEOUT, async (context) => {
  const run = startRun(context);
  const url = await metricsUrl(run);
  const missing = (text: string) =>
    metricNames.filter((name) => {
      const sample = definitionOf(name).type === "histogram" ? `${name}_count` : name;
      return !FAULTS.has(name) && !new RegExp(`^${sample}(\\{.*\\})? `, "m").test(text);
    });
  await run.until("an evaluation", () => run.log.some(({ msg }) => msg === "evaluation"));
  await expect
    .poll(async () => missing(await scrape(url)), { timeout: 20_000, interval: 100 })
    .toEqual([]);
  const text = await scrape(url);
  // A histogram or counter without labels begins at zero; these have been fed.
  for (const name of metricNames) {
    if (FAULTS.has(name) || definitionOf(name).type === "gauge") continue;
    const suffix = definitionOf(name).type === "histogram" ? "_count" : "";
    const values = [...text.matchAll(new RegExp(`^${name}${suffix}(?:\\{.*\\})? (.*)$`, "gm"))];
    if (name === "troupe_replay_evicted_total" || name.includes("stale")) continue;
    if (name.includes("nonfinite") || name.includes("rollbacks")) continue;
    expect(Math.max(...values.map(([, value]) => Number(value))), name).toBeGreaterThan(0);
  }
  if (spawnSync("promtool", ["--version"]).error) skipBecause("there is no promtool", context);
  const check = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  expect(check.stderr + check.stdout).toBe("");
  expect(check.status).toBe(0);
});

test("a real Prometheus sees a run's steps grow", TIMEOUT, async (context) => {
  if (spawnSync("prometheus", ["--version"]).error) skipBecause("there is no prometheus", context);
  const run = startRun(context);
  const target = new URL(await metricsUrl(run)).host;
  const api = await startPrometheus(context, target);
  const steps = async (): Promise<number | undefined> => {
    const response = await fetch(`${api}/api/v1/query?query=troupe_env_steps_total`);
    const answer = (await response.json()) as {
      data: { result: readonly { value: [number, string] }[] };
    };
    const value = answer.data.result[0]?.value[1];
    return value === undefined ? undefined : Number(value);
  };
  const first = await poll(steps);
  const later = await poll(async () => {
    const now = await steps();
    return now !== undefined && now > first ? now : undefined;
  });
  expect(later).toBeGreaterThan(first);
  run.kill("SIGINT");
  expect((await run.ended()).code).toBe(130);
});

/** Starts Prometheus scraping `target` and returns its address, once it answers. */
async function startPrometheus(context: TestContext, target: string): Promise<string> {
  const folder = scratchFolder(context);
  const config = {
    global: { scrape_interval: "500ms", scrape_timeout: "400ms" },
    scrape_configs: [{ job_name: "troupe", static_configs: [{ targets: [target] }] }],
  };
  // YAML takes JSON as it is.
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
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
  const api = `http://${address}`;
  await poll(async () => {
    expect(child.exitCode, "Prometheus has ended").toBeNull();
    const response = await fetch(`${api}/-/ready`).catch(() => undefined);
    return response?.ok ? true : undefined;
  });
  return api;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error(`address ${address}`);
  return address.port;
}
