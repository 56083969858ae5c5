import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { dashboardJson } from "../../src/metrics/dashboard/grafana.ts";
import { metricNames } from "../../src/metrics/definitions.ts";
import { everyExpression, readDashboard } from "./grafana-queries.ts";
import { fillIn, knownSeries, selectorsIn, sourcesOf, syntaxErrors } from "./promql.ts";

describe("the dashboard", () => {
  test("deploy/grafana/dashboards/troupe.json is what `npm run docs` makes", () => {
    expect(readFileSync("deploy/grafana/dashboards/troupe.json", "utf8")).toBe(dashboardJson());
  });

  test("has panels with names of their own, that do not overlap", () => {
    const { panels } = readDashboard();
    const cells = new Set<string>();
    for (const { gridPos, title } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x},${y}`), title).toBe(false);
          cells.add(`${x},${y}`);
        }
      }
    }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { title, type, description } of panels) {
      if (type !== "row") expect(description, title).toBeTruthy();
    }
  });

  test("reads whatever Prometheus is chosen, and labels that are there", () => {
    for (const { title, targets = [], datasource, type } of readDashboard().panels) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's syntax
      if (type !== "row") expect(datasource?.uid, title).toBe("${datasource}");
      for (const { expr, legendFormat, datasource: own } of targets) {
        expect(own.uid, title).toBe(datasource?.uid);
        for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          const isGrouped = new RegExp(`by \\([^)]*\\b${label}\\b`).test(expr);
          const isRecorded = new RegExp(`\\w*${label}\\w*:`).test(expr);
          const isWhole = label === "instance" || label === "job";
          expect(isGrouped || isRecorded || isWhole, `${title}: ${label} in ${expr}`).toBe(true);
        }
      }
    }
  });

  test("shows every metric, but for what only tells processes apart", () => {
    const expressions = everyExpression().filter(({ where }) => !where.startsWith("docs "));
    const shown = new Set(expressions.flatMap(({ expr }) => sourcesOf(fillIn(expr, "r"))));
    const notShown = ["troupe_build_info", "troupe_run_info", "troupe_role_info"];
    expect(metricNames.filter((name) => !shown.has(name))).toEqual(notShown);
  });
});

describe("every expression of the dashboard, the rules and docs/monitoring.md", () => {
  test("is PromQL", () => {
    const wrong = everyExpression().flatMap(({ where, expr }) =>
      syntaxErrors(fillIn(expr, "r")).map((error) => `${where} ${error}`),
    );
    expect(wrong).toEqual([]);
    expect(everyExpression().filter(({ where }) => where.startsWith("docs ")).length).toBe(13);
    expect(syntaxErrors("sum(rate(troupe_env_steps_total[1m])")).not.toEqual([]);
  });

  test("reads series that exist, by labels that they have", async () => {
    const known = await knownSeries();
    const unknown = everyExpression().flatMap(({ where, expr }) =>
      selectorsIn(fillIn(expr, "r")).flatMap(({ metric, labels }) => {
        const has = known.get(metric);
        if (!has) return [`${where}: ${metric}`];
        return labels
          .filter((label) => !has.includes(label))
          .map((l) => `${where}: ${metric}.${l}`);
      }),
    );
    expect(unknown).toEqual([]);
  });
});

describe("provisioning", () => {
  test("gives Grafana a Prometheus and a folder of dashboards", () => {
    const read = (name: string) =>
      parse(readFileSync(`deploy/grafana/provisioning/${name}`, "utf8"));
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's syntax
    const source = { type: "prometheus", url: "${PROMETHEUS_URL}", isDefault: true };
    expect(read("datasources/prometheus.yml")).toMatchObject({
      apiVersion: 1,
      datasources: [source],
    });
    expect(read("dashboards/troupe.yml")).toMatchObject({
      apiVersion: 1,
      providers: [{ type: "file", options: { path: "/var/lib/grafana/dashboards" } }],
    });
    expect(existsSync("deploy/grafana/dashboards/troupe.json")).toBe(true);
  });
});
