import { summarise } from "../src/math/summary.ts";
import type { LearningResult, SeedResult } from "./learning-result.ts";

const [WIDTH, HEIGHT] = [720, 420];
const FRAME = { left: 64, right: 676, top: 44, bottom: 372 };
const LEGEND = { x: FRAME.left + 12, y: FRAME.top + 18, lineHeight: 17 };
const COLOURS = ["#1b6ca8", "#c1582b", "#3d8b4d", "#8054a8", "#a8870f"];
const MEAN_COLOUR = "#111";

type Point = readonly [x: number, y: number];
type Range = readonly [low: number, high: number];

/** An SVG of the evaluation curves: a line for each seed, their mean, and the target. */
export function learningPlot(result: LearningResult, target?: number): string {
  const { runs, steps } = result;
  const complete = runs.filter((run) => run.complete);
  const averaged = complete.length > 0 ? complete : runs;
  const curves = runs.map(({ evaluations }) => pairs(evaluations.steps, evaluations.mean));
  const limits = target === undefined ? [0] : [0, target];
  const values = [...limits, ...curves.flat().map(([, value]) => value)];
  const rows = ticks([Math.min(...values), Math.max(...values)]);
  const place = placement([0, steps], [rows[0] ?? 0, rows.at(-1) ?? 1]);
  const line = (points: readonly Point[], style: string): string =>
    `<polyline fill="none" ${style} points="${points.map((point) => place(point).join()).join(" ")}"/>`;
  const level = (value: number, style: string): string =>
    line(pairs([0, steps], [value, value]), style);
  const seedNames = runs.map(
    ({ seed, complete }) => `seed ${seed}${complete ? "" : " (not complete)"}`,
  );
  const meanName = `mean of ${averaged.length}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text([FRAME.left, 24], `${result.algorithm} on ${result.env}: return of evaluations`),
    ...rows.map((value) => level(value, `stroke="#ddd"`)),
    ...rows.map((value) => text([FRAME.left - 8, place([0, value])[1] + 4], value, "end")),
    ...ticks([0, steps]).map((step) =>
      text([place([step, 0])[0], FRAME.bottom + 20], step, "middle"),
    ),
    text([(FRAME.left + FRAME.right) / 2, HEIGHT - 10], "environment steps", "middle"),
    ...limits.slice(1).map((value) => level(value, `stroke="#999" stroke-dasharray="6 4"`)),
    ...curves.map((curve, i) => line(curve, `stroke="${colour(i)}" stroke-width="1.2"`)),
    line(meanCurve(averaged), `stroke="${MEAN_COLOUR}" stroke-width="2.5"`),
    ...seedNames.map((name, i) => legend(i, name, colour(i))),
    legend(runs.length, meanName, MEAN_COLOUR),
    "</svg>\n",
  ].join("\n");
}

/** Over all runs, as far as the shortest curve goes. */
export function meanCurve(runs: readonly SeedResult[]): readonly Point[] {
  const count = Math.min(...runs.map(({ evaluations }) => evaluations.steps.length));
  return Array.from({ length: count }, (_, i): Point => {
    const at = (column: "steps" | "mean") =>
      summarise(runs.map(({ evaluations }) => evaluations[column][i] ?? Number.NaN)).mean;
    return [at("steps"), at("mean")];
  });
}

/** Round numbers that enclose a range, about six of them. */
export function ticks([low, high]: Range): readonly number[] {
  const least = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = ([1, 2, 2.5, 5].find((factor) => factor * power >= least) ?? 10) * power;
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** From data to pixels, to a tenth. */
function placement(xs: Range, ys: Range): (point: Point) => Point {
  const share = (value: number, [low, high]: Range): number => (value - low) / (high - low);
  const tenth = (value: number): number => Math.round(10 * value) / 10;
  return ([x, y]) => [
    tenth(FRAME.left + share(x, xs) * (FRAME.right - FRAME.left)),
    tenth(FRAME.bottom - share(y, ys) * (FRAME.bottom - FRAME.top)),
  ];
}

function pairs(xs: readonly number[], ys: readonly number[]): readonly Point[] {
  return xs.map((x, i) => [x, ys[i] ?? Number.NaN]);
}

function colour(i: number): string {
  return COLOURS[i % COLOURS.length] ?? MEAN_COLOUR;
}

function legend(row: number, name: string, fill: string): string {
  const at: Point = [LEGEND.x, LEGEND.y + LEGEND.lineHeight * row];
  return `<g fill="${fill}">${text(at, name)}</g>`;
}

function text([x, y]: Point, label: string | number, anchor = "start"): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${label}</text>`;
}
