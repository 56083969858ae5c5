import type { ArmResult, ExperimentResult } from "./result.ts";

const [WIDTH, HEIGHT] = [720, 440];
const FRAME = { left: 64, right: 676, top: 72, bottom: 392 };
const COLOURS = ["#1b6ca8", "#c1582b", "#3d8b4d", "#8054a8", "#a8870f"];
/** Of the legend: the swatch, and about as much for each letter of 12 pixels. */
const [SWATCH, LETTER] = [28, 6.6];

type Point = readonly [x: number, y: number];
type Range = readonly [low: number, high: number];
type Place = (point: Point) => Point;

/**
 * An SVG of evaluations over environment steps: of each arm the mean over seeds, in a band from the least
 * to the greatest, and the target.
 */
export function experimentPlot(result: ExperimentResult): string {
  const { arms, target } = result;
  const width = Math.max(result.steps, ...arms.flatMap(({ curve }) => curve.steps));
  const limits = target === null ? [0] : [0, target.at_least];
  const values = [...limits, ...arms.flatMap(({ curve }) => [...curve.min, ...curve.max])];
  const rows = ticks([Math.min(...values), Math.max(...values)]);
  const place = placement([0, width], [rows[0] ?? 0, rows.at(-1) ?? 1]);
  const level = (value: number, style: string): string =>
    polyline(pairs([0, width], [value, value]).map(place), style);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text([FRAME.left, 24], `${result.experiment}: return of evaluations on ${result.env}`),
    ...legend(result),
    ...rows.map((value) => level(value, `stroke="#ddd"`)),
    ...rows.map((value) => text([FRAME.left - 8, place([0, value])[1] + 4], short(value), "end")),
    ...ticks([0, width])
      .filter((step) => step <= width)
      .map((step) => text([place([step, 0])[0], FRAME.bottom + 20], short(step), "middle")),
    text([(FRAME.left + FRAME.right) / 2, HEIGHT - 10], "environment steps", "middle"),
    ...limits.slice(1).map((value) => level(value, `stroke="#777" stroke-dasharray="6 4"`)),
    ...arms.map((arm, i) => band(arm, place, colour(i))),
    ...arms.map(({ curve }, i) =>
      polyline(
        pairs(curve.steps, curve.mean).map(place),
        `stroke="${colour(i)}" stroke-width="2.2"`,
      ),
    ),
    "</svg>\n",
  ].join("\n");
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

/** In one row under the title. */
function legend({ arms, seeds, target }: ExperimentResult): readonly string[] {
  const entries = arms.map(({ arm, runs }, i) => ({
    label: `${arm} (${runs.length} of ${seeds.length} seeds)`,
    style: `stroke="${colour(i)}" stroke-width="2.2"`,
  }));
  if (target !== null) {
    entries.push({
      label: `target ${short(target.at_least)}`,
      style: `stroke="#777" stroke-dasharray="6 4"`,
    });
  }
  let x = FRAME.left;
  return entries.flatMap(({ label, style }) => {
    const from = x;
    x += SWATCH + LETTER * label.length + 16;
    const swatch: readonly Point[] = [
      [from, 46],
      [from + SWATCH - 6, 46],
    ];
    return [polyline(swatch, style), text([from + SWATCH, 50], label)];
  });
}

/** Nothing when there is one seed. */
function band({ curve, runs }: ArmResult, place: Place, fill: string): string {
  if (runs.length < 2) return "";
  const upper = pairs(curve.steps, curve.max);
  const lower = pairs(curve.steps, curve.min).toReversed();
  return `<polygon fill="${fill}" fill-opacity="0.15" points="${joined([...upper, ...lower].map(place))}"/>`;
}

/** From data to pixels, to a tenth. */
function placement(xs: Range, ys: Range): Place {
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

function polyline(points: readonly Point[], style: string): string {
  return `<polyline fill="none" ${style} points="${joined(points)}"/>`;
}

function joined(points: readonly Point[]): string {
  return points.map((point) => point.join()).join(" ");
}

function colour(i: number): string {
  return COLOURS[i % COLOURS.length] ?? "#111";
}

/** 200k, 1.5M. */
function short(value: number): string {
  const size = Math.abs(value);
  const [unit, letter] = size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return `${Number((value / unit).toPrecision(6))}${letter}`;
}

function text([x, y]: Point, label: string, anchor = "start"): string {
  const safe = label.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${safe}</text>`;
}
