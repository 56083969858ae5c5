/**
 * Question: what does a picture cost?
 *
 * Every registered model is drawn by its first camera after each of a few hundred random steps, shading
 * included; only the drawing is timed. Medians of single frames, in milliseconds.
 *
 *     npx tsc -p bench && taskset -c 0 node bench/dist/bench/render.js [pixels] [pattern]
 */
import { randomActions } from "../src/envs/benchmark.ts";
import { listEnvs, makeEnv, modelOf } from "../src/envs/registry.ts";
import { RandomStream } from "../src/math/random.ts";
import { median, quantile, round } from "./results.ts";

const WARM_UP = 200;
const FRAMES = 300;

interface FrameTimes {
  readonly env: string;
  readonly median_ms: number;
  readonly p90_ms: number;
  readonly least_ms: number;
}

async function timeFrames(id: string, side: number): Promise<FrameTimes> {
  const env = await makeEnv(id);
  const view = env.openView?.({ width: side, height: side });
  if (!view) throw new Error(`${id} has no view`);
  const pixels = new Uint8Array(3 * side * side);
  const actions = randomActions(env.actionSpace, RandomStream.derive(0, "render"));
  const times: number[] = [];
  env.reset({ seed: 0 });
  for (let frame = 0; frame < WARM_UP + FRAMES; frame++) {
    const { terminated, truncated } = env.step(actions[frame]!);
    if (terminated || truncated) env.reset();
    const start = performance.now();
    view.render(pixels);
    if (frame >= WARM_UP) times.push(performance.now() - start);
  }
  env.close();
  times.sort((a, b) => a - b);
  return {
    env: id,
    median_ms: round(median(times), 3),
    p90_ms: round(quantile(times, 0.9), 3),
    least_ms: round(times[0]!, 3),
  };
}

async function main(side: number, pattern: RegExp): Promise<object> {
  const models = new Map(
    listEnvs()
      .filter(({ id }) => pattern.test(id) && modelOf(id) !== undefined)
      .map(({ id }) => [modelOf(id), id]),
  );
  const frames: FrameTimes[] = [];
  for (const id of models.values()) frames.push(await timeFrames(id, side));
  return { pixels: `${side} x ${side}`, frames };
}

const [side = 84, pattern = "."] = process.argv.slice(2);
console.log(JSON.stringify(await main(Number(side), new RegExp(pattern)), null, 2));
