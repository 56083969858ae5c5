/** A line of a panel: a PromQL expression, and what to call what it gives. */
export interface Query {
  readonly expr: string;
  /** Labels in double braces, such as `{{reason}}`. */
  readonly legend: string;
}

/** Grafana's names of units. */
export type Unit =
  | "short"
  | "none"
  | "percentunit"
  | "s"
  | "bytes"
  | "Bps"
  | "ops"
  | "dateTimeFromNow";

export interface PanelContent {
  readonly kind: "timeseries" | "stat" | "heatmap";
  readonly title: string;
  /** Shown when the mouse is over the title's sign. */
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Of 24 columns. */
  readonly width: number;
  readonly height: number;
  readonly min?: number;
  readonly max?: number;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly PanelContent[];
}

type Shape = Partial<Pick<PanelContent, "unit" | "width" | "height" | "min" | "max">>;

/** Queries by legend. */
type Queries = Readonly<Record<string, string>>;

/** Curves over time; the legend may name labels. */
export function curves(
  [title, description]: readonly [string, string],
  queries: Queries,
  shape: Shape = {},
): PanelContent {
  return {
    ...{ kind: "timeseries", unit: "short", width: 8, height: 8 },
    ...{ title, description, queries: queriesOf(queries) },
    ...shape,
  };
}

/** A number of now. */
export function number(
  [title, description]: readonly [string, string],
  queries: Queries,
  shape: Shape = {},
): PanelContent {
  return {
    ...curves([title, description], queries, { width: 3, height: 4, ...shape }),
    kind: "stat",
  };
}

/** How a histogram's observations are spread, over time. */
export function spread(
  [title, description]: readonly [string, string],
  histogram: string,
  shape: Shape = {},
): PanelContent {
  const expr = `sum by (le) (increase(${histogram}_bucket{run="$run"}[$__rate_interval]))`;
  return { ...curves([title, description], { "{{le}}": expr }, shape), kind: "heatmap" };
}

function queriesOf(queries: Queries): readonly Query[] {
  return Object.entries(queries).map(([legend, expr]) => ({ legend, expr }));
}
