import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { lastRecord, SMALL, scratchFolder, settings, startTrain } from "./train-process.ts";

/** The files that docs/extending.md builds, as they stand there. */
function pageFiles(): ReadonlyMap<string, string> {
  const page = readFileSync("docs/extending.md", "utf8");
  const blocks = page.matchAll(/^```ts file=(\S+)\n([\s\S]*?)^```$/gm);
  return new Map([...blocks].map(([, name = "", code = ""]) => [name, code]));
}

/** A folder with the page's files, and `troupe` as if it were installed there. */
function project(context: TestContext): string {
  const folder = scratchFolder(context);
  for (const [name, code] of pageFiles()) writeFileSync(join(folder, name), code);
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(resolve("."), join(folder, "node_modules", "troupe"));
  return folder;
}

const pluginsOf = (folder: string, files = [...pageFiles().keys()]): string =>
  `[${files.map((file) => join(folder, file)).join(",")}]`;

interface Ended {
  readonly digest: unknown;
  readonly record: Readonly<Record<string, number>>;
  readonly returns: readonly number[];
}

async function complete(
  context: TestContext,
  folder: string,
  argv: readonly string[],
): Promise<Ended> {
  const name = argv[argv.indexOf("--name") + 1] ?? "";
  const run = startTrain(context, folder, { argv });
  const ended = await run.ended();
  expect(ended.code, ended.stderr).toBe(0);
  return {
    digest: run.log.find(({ msg }) => msg === "run completed")?.["digest"],
    record: lastRecord(join(folder, name)) ?? {},
    returns: run.log
      .filter(({ msg }) => msg === "evaluation")
      .map(({ meanReturn }) => Number(meanReturn)),
  };
}

test("the page's files are short, and type-check as a user's own", {
  timeout: 180_000,
}, (context) => {
  const files = pageFiles();
  expect([...files.keys()]).toEqual(["quantile.ts", "constant-noise.ts"]);
  for (const code of files.values()) expect(code.split("\n").length).toBeLessThan(100);
  const folder = project(context);
  const options = {
    target: "es2023",
    module: "nodenext",
    strict: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  const config = { compilerOptions: options, files: [...files.keys()] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const { status, stdout } = spawnSync("npx", ["tsc", "-p", folder], { encoding: "utf8" });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});

describe("the page's critic and policy", () => {
  test("learn a task together", { timeout: 300_000 }, async (context) => {
    const folder = project(context);
    const { returns, record } = await complete(context, folder, [
      "PointMass-v0",
      ...["-n", "3000", "--name", "run"],
      ...SMALL,
      ...settings({
        "algorithm.batchSize": 64,
        "algorithm.learningStarts": 200,
        "evaluation.interval": 1000,
        "plugins.files": pluginsOf(folder),
        "algorithm.critic": "quantile",
        "algorithm.policy": "constant-noise",
        "plugins.options.quantiles": 16,
      }),
    ]);
    // At random it is about -9; at best near 0.
    expect(Math.max(...returns)).toBeGreaterThan(-3);
    expect(record["train/critic_loss"]).toBeGreaterThan(0);
    expect(record["train/std"]).toBeGreaterThan(0);
  });

  test("are another agent than ours, the same after a resume, and exported", {
    timeout: 300_000,
  }, async (context) => {
    const folder = project(context);
    const argv = (steps: number, name: string) => [
      "PointMass-v0",
      ...["-n", String(steps), "--name", name],
      ...SMALL,
      ...settings({ deterministic: true }),
    ];
    const own = settings({
      "plugins.files": pluginsOf(folder),
      "algorithm.critic": "quantile",
      "drm.enabled": true,
    });
    const ours = await complete(context, folder, argv(400, "ours"));
    const whole = await complete(context, folder, [...argv(400, "whole"), ...own]);
    expect(whole.digest).not.toBe(ours.digest);
    await complete(context, folder, [...argv(240, "resumed"), ...own]);
    const rest = ["--resume", "resumed", "-n", "400"];
    const resumed = await complete(context, folder, rest);
    expect(resumed.digest).toBe(whole.digest);

    const exported = ["dist/cli.js", "export", join(folder, "resumed")];
    const { status, stderr } = spawnSync(process.execPath, exported, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
  });

  test("go with PPO where they are made for it", { timeout: 180_000 }, async (context) => {
    const folder = project(context);
    const argv = [
      "PointMass-v0",
      ...["--algo", "ppo", "-n", "512", "--name", "ppo"],
      ...settings({
        "algorithm.hidden": "[16,16]",
        "actors.unrollLength": 256,
        "evaluation.interval": 0,
        "plugins.files": pluginsOf(folder),
        "algorithm.critic": "quantile",
      }),
    ];
    const { record } = await complete(context, folder, argv);
    expect(record["train/value_loss"]).toBeGreaterThan(0);

    const policy = settings({ "algorithm.policy": "constant-noise" });
    const refused = startTrain(context, folder, { argv: [...argv, ...policy, "--name", "no"] });
    const { code, stderr } = await refused.ended();
    expect(code).toBe(2);
    expect(stderr).toContain("algorithm.policy constant-noise is not made for ppo");
  });
});

test("a plugin's metric that nobody knows is warned of, once", {
  timeout: 180_000,
}, async (context) => {
  const folder = project(context);
  const file = join(folder, "curious.ts");
  writeFileSync(
    file,
    `import { critics as page } from "./quantile.ts";
     import { ops } from "troupe/plugin";
     const curious = (options) => {
       const head = page.quantile(options);
       return { ...head, monitor: ([first]) => ({ "my/metric": ops.mean(first) }) };
     };
     export const critics = { curious };`,
  );
  const flags = settings({ "plugins.files": `[${file}]`, "algorithm.critic": "curious" });
  const argv = ["PointMass-v0", "-n", "300", ...SMALL, ...flags, "--name", "run"];
  const run = startTrain(context, folder, { argv });
  const { code, stderr } = await run.ended();
  expect(code, stderr).toBe(0);
  expect(run.log.filter(({ msg }) => msg.includes("my/metric"))).toHaveLength(1);
});

describe("a plugin that does not fit is refused with the reason", () => {
  test.for<[string, string, Readonly<Record<string, string>>, RegExp]>([
    ["is not there", "", { "plugins.files": "[./no-such-file.ts]" }, /plugin \.\/no-such-file\.ts/],
    ["adds nothing", "export const critic = 1;", {}, /has to export critics or policies/],
    ["fails", "throw new Error('broken');", {}, /mine\.ts: broken \(.*mine\.ts:1:\d+\)/],
    ["takes a name of ours", "export const critics = { c51: () => 1 };", {}, /critic c51 already/],
    [
      "adds another than is asked for",
      "export const critics = { quantile: () => 1 };",
      { "algorithm.critic": "quantille" },
      /algorithm\.critic is quantille, which no file of plugins\.files adds \(did you mean quantile\?\)/,
    ],
    [
      "makes something else",
      "export const critics = { mine: () => ({ outputs: 2 }) };",
      { "algorithm.critic": "mine" },
      /mine\.ts: what critics\.mine made must have value, a function/,
    ],
    [
      "fails when it is asked",
      "const fails = () => { throw new Error('broken'); };\nexport const critics = { mine: () => ({ outputs: 1, value: fails, toward: fails, backUp: fails }) };",
      { "algorithm.critic": "mine" },
      /broken \(.*mine\.ts:1:\d+\), from plugins\.files/,
    ],
  ])("%s", { timeout: 90_000 }, async ([, code, values, expected], context) => {
    const folder = scratchFolder(context);
    const file = join(folder, "mine.ts");
    writeFileSync(file, code);
    const flags = settings({ "plugins.files": `[${file}]`, ...values });
    const argv = ["PointMass-v0", "-n", "200", ...SMALL, ...flags, "--name", "no"];
    const run = startTrain(context, folder, { argv });
    const { code: exitCode, stderr } = await run.ended();
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(expected);
    expect(existsSync(join(folder, "no"))).toBe(false);
  });
});
