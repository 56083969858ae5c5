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

/** Queries that docs/monitoring.md answers questions by: the second column of its last table. */
function documentedQueries(): readonly string[] {
  const [, table = ""] = readFileSync("docs/monitoring.md", "utf8").split("| question | query |");
  const rows = table.split("\n").filter((line) => line.startsWith("| ") && line.includes("`"));
  return rows.flatMap((row) => {
    const [, answer = ""] = row.split(" | ");
    return [...answer.matchAll(/`([^`]*troupe_[^`]*)`/g)].map(([, query = ""]) => query);
  });
}

/** Every expression there is, by where it is from: the dashboard's, with its variables, the rules', the docs'. */
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
    ...documentedQueries().map((expr) => ({ where: `docs ${expr}`, expr })),
  ];
}
