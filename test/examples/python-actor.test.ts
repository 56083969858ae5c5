import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { scratchFolder, settings, TroupeProcess } from "../integration/train-process.ts";
import { skipBecause } from "../skip-because.ts";

const run = promisify(execFile);
const example = new URL("../../examples/python-actor/", import.meta.url).pathname;
const MODULES = "grpc, grpc_tools, msgpack, numpy, onnxruntime, gymnasium";

/** The first Python with what the example needs. TROUPE_TEST_PYTHON comes before the system's. */
async function pythonWithModules(): Promise<string | undefined> {
  const { TROUPE_TEST_PYTHON: own } = process.env;
  for (const python of [...(own ? [own] : []), "python3", "/usr/bin/python3"]) {
    const found = await run(python, ["-c", `import ${MODULES}`]).catch(() => undefined);
    if (found) return python;
  }
  return undefined;
}

// Trains for some thousand updates, on a machine that may be busy with others.
test("an actor in Python trains a task that only Python has", {
  timeout: 240_000,
}, async (context) => {
  const python = (await pythonWithModules()) ?? skipBecause(`Python without ${MODULES}`, context);
  const folder = scratchFolder(context);
  const place = ["--run-dir", folder, "--name", "run", "--listen", "127.0.0.1:0"];
  const options = "{observation_size: 3, action_low: [-2], action_high: [2]}";
  const learner = new TroupeProcess(context, [
    ...["learner", "external/Pendulum-v1", "--total-steps", "6000", ...place],
    ...settings({
      "env.options": options,
      "algorithm.hidden": "[64,64]",
      "algorithm.learningStarts": 500,
      "evaluation.interval": 0,
      "metrics.port": "off",
    }),
  ]);
  const listening = await learner.until("an address", () =>
    learner.log.find(({ msg }) => msg === "listening for actors"),
  );
  const actor = run(python, [join(example, "actor.py"), "--learner", String(listening["address"])]);
  const [{ stdout }, ended] = await Promise.all([actor, learner.ended()]);
  expect(ended.code, ended.stderr).toBe(0);
  expect(stdout).toMatch(/^done: \d+ steps$/m);

  const file = join(folder, "policy.onnx");
  const exporting = new TroupeProcess(context, ["export", join(folder, "run"), "-o", file]);
  expect((await exporting.ended()).code).toBe(0);
  const { stdout: score } = await run(python, [join(example, "evaluate.py"), file, "Pendulum-v1"]);
  // A random policy has about -1200, one that swings up and stays about -150.
  expect(Number(/mean return (\S+)/.exec(score)?.[1])).toBeGreaterThan(-600);
});
