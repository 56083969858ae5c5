import { mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type Machine, readMachine } from "../config/machine.ts";
import type { Config } from "../config/schema.ts";
import { RunError } from "../errors.ts";

export interface Check {
  readonly name: string;
  readonly status: "ok" | "warn" | "fail";
  readonly detail: string;
  /** What to do about it. */
  readonly fix?: string;
}

type Finding = Omit<Check, "name">;

/** Each in turn: timings are no good side by side. */
export async function runChecks(config: Config): Promise<readonly Check[]> {
  const machine = readMachine();
  const checks: readonly [string, () => Finding | Promise<Finding>][] = [
    ["node", () => checkNode(process.versions.node)],
    ["cpus", () => checkCpus(machine)],
    ["memory", () => checkMemory(machine)],
    ["physics", checkPhysics],
    ["inference", checkInference],
    ["ports", () => checkPort(config.metrics)],
    ["run folder", () => checkRunDir(config.run.dir)],
    ["clock", () => checkClock(config.run.dir)],
  ];
  const found: Check[] = [];
  for (const [name, check] of checks) found.push({ name, ...(await attempt(check)) });
  return found;
}

async function attempt(check: () => Finding | Promise<Finding>): Promise<Finding> {
  try {
    return await check();
  } catch (thrown) {
    const fix = "reinstall with `npm install`; if it stays, report it with this text";
    return { status: "fail", detail: RunError.from(thrown).message, fix };
  }
}

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const fix = "install Node 24, the version recommended";
  if (major < 20 || (major === 20 && minor < 19)) {
    return { status: "fail", detail: `${version}; 20.19 is the least`, fix };
  }
  return { status: "ok", detail: version };
}

export function checkCpus({ cpus }: Machine): Finding {
  const host = availableParallelism();
  const detail = cpus < host ? `${cpus} usable of ${host} (control group quota)` : `${cpus} usable`;
  if (cpus > 1) return { status: "ok", detail };
  return { status: "warn", detail, fix: "give it two CPUs: actors and learner take turns on one" };
}

export function checkMemory({ memoryBytes }: Machine): Finding {
  const detail = `${(memoryBytes / 2 ** 30).toFixed(1)} GiB usable`;
  if (memoryBytes >= 2 * 2 ** 30) return { status: "ok", detail };
  return { status: "warn", detail, fix: "give it 2 GiB, or lower replay.capacity" };
}

/** 200 environment steps of HalfCheetah are 1000 of MuJoCo's. */
async function checkPhysics(): Promise<Finding> {
  const { makeEnv } = await import("../envs/registry.ts");
  const start = performance.now();
  const env = await makeEnv("HalfCheetah-v5");
  try {
    const loadMs = performance.now() - start;
    env.reset({ seed: 1 });
    const size = env.actionSpace.kind === "box" ? env.actionSpace.size : 1;
    const action = new Float64Array(size).fill(0.1);
    const begin = performance.now();
    for (let step = 0; step < 200; step++) env.step(action);
    const stepsPerSecond = 1000 / ((performance.now() - begin) / 1000);
    return {
      status: "ok",
      detail: `MuJoCo loads in ${Math.round(loadMs)} ms, ${Math.round(stepsPerSecond / 1000)}k physics steps/s`,
    };
  } finally {
    env.close();
  }
}

/** Compiles a small function, runs it, and compares the result. */
async function checkInference(): Promise<Finding> {
  const [{ compile }, { mul }, { Program }, { listSupportedBackends }] = await Promise.all([
    import("../compile/compile.ts"),
    import("../compile/ops.ts"),
    import("../compile/program.ts"),
    import("onnxruntime-node"),
  ]);
  const inputs = [{ name: "x", shape: [4] }];
  const model = compile(({ x }) => (x ? { y: mul(x, 3) } : {}), { name: "doctor", inputs });
  await using program = await Program.load(model);
  const binding = program.bind({ inputs: { x: Float32Array.of(1, 2, 3, 4) } });
  await binding.run();
  const result = [...(binding.outputs["y"] ?? [])];
  if (result.join() !== "3,6,9,12") {
    return { status: "fail", detail: `3 * [1, 2, 3, 4] came out as [${result}]` };
  }
  const backends = listSupportedBackends().flatMap(({ name, bundled }) => (bundled ? [name] : []));
  return { status: "ok", detail: `compiles and runs; devices: ${backends.join(", ")}` };
}

export async function checkPort({ host, port }: Config["metrics"]): Promise<Finding> {
  if (port === "off") return { status: "ok", detail: "metrics are off" };
  const server = createServer();
  const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once("error", resolve);
    server.listen(port === "auto" ? 0 : port, host, () => resolve(undefined));
  });
  server.close();
  if (failure === undefined) {
    const which = port === "auto" || port === 0 ? "any free port" : `port ${port}`;
    return { status: "ok", detail: `can listen on ${host}, ${which}` };
  }
  const fix = "set metrics.port to another one, or to auto";
  return { status: "fail", detail: `cannot listen on ${host}:${port}: ${failure.message}`, fix };
}

function checkRunDir(dir: string): Finding {
  try {
    return inScratchFolder(dir, () => {
      const { bavail, bsize } = statfsSync(dir);
      const free = (bavail * bsize) / 2 ** 30;
      const detail = `${dir} is writable, ${free.toFixed(1)} GiB free`;
      if (free >= 2) return { status: "ok", detail };
      const fix = "free some room: the checkpoints of a long run take about 1 GiB";
      return { status: "warn", detail, fix };
    });
  } catch (thrown) {
    const detail = `cannot write to ${dir}: ${RunError.from(thrown).message}`;
    const fix = "choose another folder with TROUPE_RUN_DIR, or change its permissions";
    return { status: "fail", detail, fix };
  }
}

/** Files from the future confuse everything that goes by age; a shared disk has a clock of its own. */
function checkClock(dir: string): Finding {
  const fix = "set the clock, by NTP for instance";
  if (Date.now() < Date.UTC(2026, 0)) {
    return { status: "fail", detail: `it is not ${new Date().toISOString()}`, fix };
  }
  const skewMs = inScratchFolder(dir, (folder) => {
    const file = join(folder, "now");
    writeFileSync(file, "");
    return Math.abs(statSync(file).mtimeMs - Date.now());
  });
  if (skewMs < 5000) return { status: "ok", detail: "agrees with the disk's" };
  return { status: "warn", detail: `${Math.round(skewMs / 1000)} s off the disk's`, fix };
}

/** Hands out a new folder inside `dir`, and removes whatever was made for it. */
function inScratchFolder<T>(dir: string, use: (folder: string) => T): T {
  const made = mkdirSync(dir, { recursive: true });
  try {
    const folder = mkdtempSync(join(dir, ".doctor-"));
    try {
      return use(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  } finally {
    if (made !== undefined) rmSync(made, { recursive: true });
  }
}
