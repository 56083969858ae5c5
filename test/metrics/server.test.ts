import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { metricNames } from "../../src/metrics/definitions.ts";
import { metricsMarkdown } from "../../src/metrics/docs.ts";
import { MetricsRegistry } from "../../src/metrics/registry.ts";
import { type HealthReport, startMetricsServer } from "../../src/metrics/server.ts";
import { freePort } from "../free-port.ts";
import { fillEveryMetric } from "./every-metric.ts";

const PROMTOOL = "/usr/bin/promtool";
const PROMETHEUS = "/usr/bin/prometheus";
for (const tool of [PROMTOOL, PROMETHEUS]) {
  if (!existsSync(tool)) process.stderr.write(`SKIPPED: ${tool} is not installed\n`);
}

const host = "127.0.0.1";

describe("startMetricsServer", () => {
  test("serves every metric in a text that promtool has nothing to say about", async ({ skip }) => {
    const registry = new MetricsRegistry();
    fillEveryMetric(registry.recorder);
    await using server = await startMetricsServer({ registry, host, port: 0 });
    const response = await fetch(server.url);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    for (const name of metricNames) expect(text).toContain(`# TYPE ${name} `);
    expect(text).toContain("process_cpu_seconds_total");
    skip(!existsSync(PROMTOOL), "promtool is not installed");
    const check = spawnSync(PROMTOOL, ["check", "metrics"], { input: text, encoding: "utf8" });
    expect(check.stderr + check.stdout).toBe("");
    expect(check.status).toBe(0);
  });

  test("tells health by status and says what is there for other paths", async () => {
    let report: HealthReport = { ok: true, step: 3 };
    const registry = new MetricsRegistry();
    const health = () => report;
    await using server = await startMetricsServer({ registry, host, port: 0, health });
    const base = new URL(server.url).origin;
    const healthy = await fetch(`${base}/healthz`);
    expect([healthy.status, await healthy.json()]).toEqual([200, { ok: true, step: 3 }]);
    report = { ok: false };
    expect((await fetch(`${base}/healthz`)).status).toBe(503);
    expect((await fetch(`${base}/`)).status).toBe(404);
    expect((await fetch(server.url, { method: "POST" })).status).toBe(405);
  });

  test("says which port is in use, and what to do", async () => {
    const taken = createServer().listen(0, host);
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const start = startMetricsServer({ registry: new MetricsRegistry(), host, port });
    await expect(start).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: `port ${port} on 127.0.0.1 is in use; set metrics.port to another one, or to auto`,
    });
    taken.close();
  });

  // A real Prometheus needs a second to start and two scrapes to know a rate: longer than 5 s on a busy machine.
  test("is scraped by a real Prometheus", { timeout: 180_000 }, async ({ skip }) => {
    skip(!existsSync(PROMETHEUS), "prometheus is not installed");
    const registry = new MetricsRegistry();
    await using server = await startMetricsServer({ registry, host, port: 0 });
    await using prometheus = await startPrometheus(new URL(server.url).host);
    const query = async (text: string): Promise<number> => {
      registry.recorder.inc("troupe_env_steps_total", 100);
      const response = await fetch(
        `${prometheus.url}/api/v1/query?query=${encodeURIComponent(text)}`,
      );
      const { data } = (await response.json()) as {
        data: { result: { value: [number, string] }[] };
      };
      return Number(data.result[0]?.value[1] ?? 0);
    };
    const increase = "increase(troupe_env_steps_total[30s])";
    const deadline = Date.now() + 100_000;
    while ((await query(increase)) <= 0 && Date.now() < deadline) await delay(200);
    expect(await query(increase)).toBeGreaterThan(0);
    // Of the last half minute: a scrape may fail on a busy machine.
    expect(await query('max_over_time(up{job="troupe"}[30s])')).toBe(1);
    expect(await query("nodejs_version_info")).toBe(1);
  });
});

async function startPrometheus(target: string) {
  const folder = await mkdtemp(join(tmpdir(), "prometheus-"));
  const config = join(folder, "prometheus.yml");
  await writeFile(
    config,
    `scrape_configs: [{job_name: troupe, scrape_interval: 1s, static_configs: [{targets: ["${target}"]}]}]\n`,
  );
  const port = await freePort();
  const argv = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=${host}:${port}`,
  ];
  const child = spawn(PROMETHEUS, argv, { stdio: "ignore" });
  const url = `http://${host}:${port}`;
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const ready = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (ready?.ok) break;
    await delay(100);
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, "exit");
    },
  };
}

describe("the metrics' documents", () => {
  test("docs/metrics.md is what `npm run docs` makes", async () => {
    expect(await readFile("docs/metrics.md", "utf8")).toBe(metricsMarkdown());
  });
});
