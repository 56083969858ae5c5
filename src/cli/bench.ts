import { cpus } from "node:os";
import { type Command, Option } from "@commander-js/extra-typings";
import { wholeNumber } from "./arguments.ts";
import { table } from "./table.ts";

/** `troupe bench learner | env | replay`: how fast each part is on this machine. */
export function addBenchCommand(program: Command): void {
  const bench = program
    .command("bench")
    .description("measure this machine: updates, environment steps, replay");
  bench
    .command("learner")
    .description("SAC updates per second at HalfCheetah's sizes")
    .option("--threads <n>", "CPU threads of an update", wholeNumber(1), 1)
    .option("--updates <n>", "updates to time", wholeNumber(1), 300)
    .option("--json", "print one JSON object")
    .action(benchLearner);
  bench
    .command("env")
    .description("environment steps per second in one thread, with random actions")
    .argument("[envs...]", "environment ids (default: all that are registered)")
    .option("--steps <n>", "steps to time in each", wholeNumber(1), 10_000)
    .option("--json", "print one JSON object")
    .action(benchEnv);
  bench
    .command("replay")
    .description("drawing a batch from a full replay of HalfCheetah's transitions")
    .addOption(
      new Option("--sampling <kind>", "how batches are drawn")
        .choices(["uniform", "prioritized", "lap"] as const)
        .default("prioritized" as const),
    )
    .option("--capacity <n>", "transitions in replay", wholeNumber(10_000), 1_000_000)
    .option("--batches <n>", "batches to time", wholeNumber(1), 2000)
    .option("--json", "print one JSON object")
    .action(benchReplay);
}

interface OutputFlags {
  readonly json?: true | undefined;
}

interface LearnerFlags extends OutputFlags {
  readonly threads: number;
  readonly updates: number;
}

// The parts are loaded when they are measured: other commands start without them.

async function benchLearner({ threads, updates, json }: LearnerFlags): Promise<void> {
  const { benchmarkLearner } = await import("../compile/benchmark.ts");
  const result = await benchmarkLearner({ threads, updates });
  print({ benchmark: "learner", ...result, ...machine() }, json);
}

interface EnvFlags extends OutputFlags {
  readonly steps: number;
}

async function benchEnv(ids: readonly string[], { steps, json }: EnvFlags): Promise<void> {
  const { describeEnv, listEnvs } = await import("../envs/registry.ts");
  const { benchmarkEnv } = await import("../envs/benchmark.ts");
  const named = ids.length > 0 ? ids : listEnvs().map(({ id }) => id);
  // A wrong id is refused before the others have taken their time.
  for (const id of named) describeEnv(id);
  const rates: Record<string, number> = {};
  for (const id of named) {
    const { stepsPerSecond } = await benchmarkEnv(id, { steps });
    rates[id] = Math.round(stepsPerSecond);
  }
  print({ benchmark: "env", steps_per_second: rates, steps, ...machine() }, json);
}

interface ReplayFlags extends OutputFlags {
  readonly sampling: "uniform" | "prioritized" | "lap";
  readonly capacity: number;
  readonly batches: number;
}

async function benchReplay({ json, ...options }: ReplayFlags): Promise<void> {
  const { benchmarkReplay } = await import("../replay/benchmark.ts");
  const result = benchmarkReplay(options);
  const report = {
    benchmark: "replay",
    microseconds_per_batch: result.batchMicroseconds,
    microseconds_per_draw: result.sampleMicroseconds,
    microseconds_per_priority_update: result.prioritiesMicroseconds,
    microseconds_per_insert_by_unroll_length: result.insertMicrosecondsPerUnroll,
    batches_per_second: result.batchesPerSecond,
    sampling: result.sampling,
    batch_size: result.batchSize,
    transitions: result.transitions,
    resident_megabytes: result.residentMegabytes,
    ...machine(),
  };
  print(report, json);
}

function machine() {
  return { node: process.versions.node, cpu: cpus()[0]?.model ?? "unknown" };
}

type Report = Readonly<Record<string, unknown>>;

function print(report: Report, json: true | undefined): void {
  console.log(json ? JSON.stringify(report, null, 2) : table(rows(report)));
}

/** A row for each figure; those of an object are named `outer inner`. */
function rows(report: Report, prefix = ""): readonly (readonly string[])[] {
  return Object.entries(report).flatMap(([key, value]) => {
    const name = `${prefix}${key.replaceAll("_", " ")}`;
    if (typeof value !== "object" || value === null) return [[name, text(value)]];
    if (Array.isArray(value)) return [[name, value.join(" x ")]];
    return rows(value as Report, `${name} `);
  });
}

function text(value: unknown): string {
  if (typeof value !== "number") return String(value);
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(4)));
}
