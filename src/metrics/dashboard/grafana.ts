import type { PanelContent, Row } from "./panel.ts";
import { rows } from "./rows.ts";

/** Of Grafana 10.4; later ones upgrade it as they load it. */
const SCHEMA_VERSION = 39;
const COLUMNS = 24;

const DATASOURCE = { type: "prometheus", uid: `\${datasource}` };

/** deploy/grafana/dashboards/troupe.json. */
export function dashboardJson(): string {
  return `${JSON.stringify(dashboard(), null, 2)}\n`;
}

function dashboard() {
  return {
    uid: "troupe",
    title: "Troupe",
    description: "Made from src/metrics/dashboard by `npm run docs`; do not edit.",
    tags: ["troupe"],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    timezone: "browser",
    links: [],
    annotations: { list: [learnerStarts()] },
    templating: { list: [datasourceVariable(), runVariable(), instanceVariable()] },
    panels: layOut(rows),
  };
}

/** Lines where a learner began, since a run goes on in another process then. */
function learnerStarts() {
  return {
    name: "learner starts",
    datasource: DATASOURCE,
    enable: true,
    iconColor: "blue",
    expr: 'changes(max by (run) (troupe_learner_term{run="$run"})[1m:]) > 0',
    titleFormat: "learner started",
    step: "60s",
  };
}

function datasourceVariable() {
  return {
    name: "datasource",
    label: "Prometheus",
    type: "datasource",
    query: "prometheus",
    current: {},
    hide: 0,
    includeAll: false,
    multi: false,
    options: [],
    refresh: 1,
    regex: "",
  };
}

function runVariable() {
  return queryVariable({ name: "run", query: "label_values(troupe_build_info, run)" });
}

function instanceVariable() {
  const query = 'label_values(troupe_build_info{run="$run"}, instance)';
  const all = { includeAll: true, multi: true, allValue: ".*" };
  const current = { text: ["All"], value: ["$__all"] };
  return { ...queryVariable({ name: "instance", query }), ...all, current };
}

function queryVariable({ name, query }: { readonly name: string; readonly query: string }) {
  return {
    name,
    label: name,
    type: "query",
    datasource: DATASOURCE,
    definition: query,
    query: { query, refId: name },
    current: {},
    hide: 0,
    includeAll: false,
    multi: false,
    options: [],
    // When the time range changes, so that runs that came are there and those long gone are not.
    refresh: 2,
    regex: "",
    sort: 1,
  };
}

/** Panels with their places: each row's title, then its panels from left to right and downwards. */
function layOut(content: readonly Row[]): object[] {
  const placed: object[] = [];
  let y = 0;
  for (const row of content) {
    placed.push(rowPanel(row.title, { id: placed.length + 1, y }));
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      if (x + panel.width > COLUMNS) {
        y += height;
        x = 0;
        height = 0;
      }
      const gridPos = { h: panel.height, w: panel.width, x, y };
      placed.push({ id: placed.length + 1, gridPos, ...panelJson(panel) });
      x += panel.width;
      height = Math.max(height, panel.height);
    }
    y += height;
  }
  return placed;
}

function rowPanel(title: string, { id, y }: { readonly id: number; readonly y: number }) {
  const gridPos = { h: 1, w: COLUMNS, x: 0, y };
  return { id, type: "row", title, collapsed: false, gridPos, panels: [] };
}

function panelJson(panel: PanelContent) {
  const { kind, title, description, unit, queries } = panel;
  return {
    type: kind,
    title,
    description,
    datasource: DATASOURCE,
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + i),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      ...(kind === "stat" ? { instant: true, range: false } : { instant: false, range: true }),
      ...(kind === "heatmap" ? { format: "heatmap" } : {}),
    })),
    fieldConfig: { defaults: fieldDefaults(panel), overrides: [] },
    options: kind === "heatmap" ? { ...OPTIONS.heatmap, yAxis: { unit } } : OPTIONS[kind],
  };
}

function fieldDefaults({ kind, unit, min, max }: PanelContent) {
  const bounds = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  if (kind === "stat") return { unit, ...bounds, color: { mode: "fixed", fixedColor: "text" } };
  if (kind === "heatmap") return {};
  const custom = { drawStyle: "line", lineWidth: 1, fillOpacity: 0, showPoints: "never" };
  return { unit, ...bounds, color: { mode: "palette-classic" }, custom };
}

const OPTIONS = {
  timeseries: {
    legend: { displayMode: "list", placement: "bottom", showLegend: true },
    tooltip: { mode: "multi", sort: "desc" },
  },
  stat: {
    colorMode: "value",
    graphMode: "none",
    justifyMode: "auto",
    textMode: "auto",
    reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
  },
  heatmap: {
    calculate: false,
    cellGap: 1,
    color: { mode: "scheme", scheme: "Blues", steps: 32 },
    legend: { show: true },
    tooltip: { mode: "single", showColorScale: false },
  },
} as const;
