import { summarise } from "../src/math/summary.ts";
import type { LearningResult, SeedResult } from "./learning-result.ts";

const [WIDTH, HEIGHT] = [720, 420];
const FRAME = { left: 64, right: 700, top: 44, bottom: 372 };
const COLOURS = ["#1b6ca8", "#c1582b", "#3d8b4d", "#8054a8", "#a8870f"];

type Point = readonly [step: number, value: number];

/** An SVG of the evaluation curves: a line for each seed, their mean, and the target. */
export function learningPlot(result: LearningResult, target?: number): string {
  const { runs, steps } = result;
  const curves = runs.map(({ evaluations }) => pair(evaluations.steps, evaluations.mean));
  const values = [0, ...(target === undefined ? [] : [target]), ...curves.flat().map(([, y]) => y)];
  const yTicks = ticks(Math.min(...values), Math.max(...values));
  const scale = {
    x: (step: number) => FRAME.left + (step / steps) * (FRAME.right - FRAME.left),
    y: (value: number) => {
      const [low = 0, high = 1] = [yTicks[0], yTicks.at(-1)];
      return FRAME.bottom - ((value - low) / (high - low)) * (FRAME.bottom - FRAME.top);
    },
  };
  const line = (points: readonly Point[], style: string): string => {
    const pairs = points.map(([x, y]) => `${scale.x(x).toFixed(1)},${scale.y(y).toFixed(1)}`);
    return `<polyline fill="none" ${style} points="${pairs.join(" ")}"/>`;
  };
  const rows = yTicks.map((tick) => {
    const y = scale.y(tick).toFixed(1);
    return `<path stroke="#ddd" d="M${FRAME.left} ${y}H${FRAME.right}"/>${text([FRAME.left - 8, Number(y) + 4], tick, "end")}`;
  });
  const columns = ticks(0, steps).map((tick) =>
    text([scale.x(tick), FRAME.bottom + 20], tick, "middle"),
  );
  const lines = curves.map((curve, i) =>
    line(curve, `stroke="${COLOURS[i % COLOURS.length]}" stroke-width="1.2"`),
  );
  const legend = runs.map(({ seed, complete }, i) => {
    const label = `seed ${seed}${complete ? "" : " (not complete)"}`;
    const at = [FRAME.left + 12, FRAME.top + 18 + 17 * i] as const;
    return `<g fill="${COLOURS[i % COLOURS.length]}">${text(at, label, "start")}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text([FRAME.left, 24], `${result.algorithm} on ${result.env}: evaluation return`, "start"),
    ...rows,
    ...columns,
    text([(FRAME.left + FRAME.right) / 2, HEIGHT - 10], "environment steps", "middle"),
    ...(target === undefined ? [] : [targetLine(target, steps, line)]),
    ...lines,
    line(meanCurve(runs), `stroke="#111" stroke-width="2.5"`),
    ...legend,
    text([FRAME.left + 12, FRAME.top + 18 + 17 * runs.length], "mean over seeds", "start"),
    "</svg>\n",
  ].join("\n");
}

function targetLine(
  target: number,
  steps: number,
  line: (points: readonly Point[], style: string) => string,
): string {
  const ends: readonly Point[] = [
    [0, target],
    [steps, target],
  ];
  return line(ends, `stroke="#999" stroke-dasharray="6 4"`);
}

/** Over all seeds, as far as the shortest curve goes. */
export function meanCurve(runs: readonly SeedResult[]): readonly Point[] {
  const count = Math.min(...runs.map(({ evaluations }) => evaluations.steps.length));
  return Array.from({ length: count }, (_, i): Point => {
    const at = (column: "steps" | "mean") =>
      summarise(runs.map(({ evaluations }) => evaluations[column][i] ?? Number.NaN)).mean;
    return [at("steps"), at("mean")];
  });
}

/** Round numbers that enclose [low, high], about six of them. */
export function ticks(low: number, high: number): readonly number[] {
  const raw = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power;
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

function pair(xs: readonly number[], ys: readonly number[]): readonly Point[] {
  return xs.map((x, i) => [x, ys[i] ?? Number.NaN]);
}

function text([x, y]: readonly [number, number], label: string | number, anchor: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${label}</text>`;
}
