import { readFileSync } from "node:fs";
import { readRules } from "./prometheus-rules.ts";

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
    readonly datasource: { readonly uid: string };
  }[];
}

export interface Dashboard {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly name: string; expr: string }[] };
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; definition?: string }[];
  };
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync("deploy/grafana/dashboards/troupe.json", "utf8")) as Dashboard;
}

/** Every expression there is, by where it is from: the dashboard's, with its variables, and the rules'. */
export function everyExpression(): readonly { readonly where: string; readonly expr: string }[] {
  const { panels, annotations } = readDashboard();
  return [
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, refId }) => ({ where: `panel ${title} ${refId}`, expr })),
    ),
    ...annotations.list.map(({ name, expr }) => ({ where: `annotation ${name}`, expr })),
    ...readRules().map(({ alert, record, expr }) => ({
      where: alert ? `alert ${alert}` : `record ${record}`,
      expr,
    })),
  ];
}
