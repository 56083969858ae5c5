/**
 * Question: how long does one update of DrM on pixels take, in both sizes?
 *
 * Drawing the batch from replay, moving its images, both stages, Adam on all groups and slow copies; of the
 * presets `pixels-small` and `pixels`. Frames are random, which makes no difference to the time.
 *
 *     npx tsc -p bench && node bench/dist/bench/pixels.js [--updates 20] [--threads 1] [--device cpu]
 *       [--preset NAME]...
 */
import { parseArgs } from "node:util";
import type { Device } from "../src/compile/program.ts";
import { TrainStep } from "../src/compile/train-step.ts";
import { parseConfig } from "../src/config/parse.ts";
import type { ConfigInput } from "../src/config/schema.ts";
import type { ImageSpace, Space } from "../src/envs/env.ts";
import { pixelSettings } from "../src/envs/wrappers/pixels.ts";
import { algorithmOf } from "../src/learner/assemble.ts";
import { ImageShift } from "../src/learner/image-shift.ts";
import { rowShape, unrollShapeOf } from "../src/learner/learner-memory.ts";
import { RandomStream } from "../src/math/random.ts";
import { newRows, observationRows, type UnrollShape } from "../src/protocol.ts";
import { replayBytes } from "../src/replay/memory.ts";
import { Replay } from "../src/replay/replay.ts";
import { median, round } from "./results.ts";

const { values: flags } = parseArgs({
  options: {
    updates: { type: "string", default: "20" },
    threads: { type: "string", default: "1" },
    device: { type: "string", default: "cpu" },
    preset: { type: "string", multiple: true, default: ["pixels-small", "pixels"] },
  },
});

const WARM_UP = 2;
/** Unrolls to draw from. */
const STORED = 40;
/** A walker's. */
const ACTIONS: Space = {
  kind: "box",
  size: 6,
  low: new Float32Array(6).fill(-1),
  high: new Float32Array(6).fill(1),
};

function fill(replay: Replay, shape: UnrollShape, random: RandomStream): void {
  const length = shape.unrollLength;
  for (let unroll = 0; unroll < STORED; unroll++) {
    const observations = newRows(shape, observationRows(shape, length));
    for (let i = 0; i < observations.length; i++) observations[i] = random.integer(256);
    replay.insert({
      ...{ actor: 0, env: 0, length, observations },
      actions: new Float32Array(length * shape.actionSize).map(() => random.uniformBetween(-1, 1)),
      rewards: new Float32Array(length).map(() => random.uniform()),
      terminated: new Uint8Array(length),
      truncated: new Uint8Array(length),
      policyVersions: new Int32Array(length),
    });
  }
}

async function measure(preset: NonNullable<ConfigInput["preset"]>) {
  const config = parseConfig({ preset });
  const { size } = pixelSettings.parse(config.env.options["pixels"]);
  const image: ImageSpace = { height: size, width: size, channels: 3, stack: 3 };
  const observationSize = size * size * 9;
  const task = { config, observationSize, image, actionSpace: ACTIONS };
  const random = RandomStream.derive(1, preset);
  const started = performance.now();
  await using step = await TrainStep.create(algorithmOf(task), {
    random,
    threads: Number(flags.threads),
    device: flags.device as Device,
  });
  const setUp = performance.now() - started;
  const { batchSize, nStep: nSteps, gamma } = config.algorithm;
  const shape = { ...unrollShapeOf(task), ...rowShape(observationSize, image) };
  const sizing = { ...shape, sampling: { kind: "uniform" }, batchSize } as const;
  const capacity = STORED * shape.unrollLength;
  const replay = new Replay({ ...sizing, capacity, nSteps, gamma });
  fill(replay, shape, random);
  const shift = new ImageShift(image, config.drqv2.shift);
  const batch = replay.createBatch();
  const noise = step.createNoise();
  const [wall, cpu, drawing]: [number[], number[], number[]] = [[], [], []];
  for (let update = -WARM_UP; update < Number(flags.updates); update++) {
    const start = performance.now();
    const used = process.cpuUsage();
    replay.sample(batch, random);
    shift.apply(batch, random);
    for (const column of Object.values(noise)) random.fillNormal(column);
    const drawn = performance.now();
    const { finite } = await step.step(batch, noise);
    if (!finite) throw new Error("the benchmark's update is not finite");
    if (update < 0) continue;
    const { user, system } = process.cpuUsage(used);
    wall.push(performance.now() - start);
    cpu.push((user + system) / 1000);
    drawing.push(drawn - start);
  }
  const parameters = step.groupNames.map((name) => [name, step.parameters(name).length]);
  return {
    image: [9, size, size],
    batch_size: batchSize,
    parameters: Object.fromEntries(parameters) as Record<string, number>,
    updates: wall.length,
    update_ms_median: round(median(wall)),
    update_ms_least: round(Math.min(...wall)),
    of_which_drawing_and_shifting_ms: round(median(drawing)),
    cpu_ms_median: round(median(cpu)),
    set_up_s: round(setUp / 1000),
    full_replay_mb: Math.round(replayBytes({ ...sizing, capacity: config.replay.capacity }) / 1e6),
    peak_memory_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

const presets: Record<string, unknown> = {};
for (const preset of flags.preset) {
  presets[preset] = await measure(preset as NonNullable<ConfigInput["preset"]>);
}
const { device, threads } = flags;
console.log(JSON.stringify({ device, threads: Number(threads), presets }, null, 2));
