import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkInThread } from "../../../dist/envs/check/check-thread.js";
import { runCli } from "../../cli/run-cli.ts";

const TIMEOUT = { timeout: 180_000 };

let file: string;
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), "troupe-check-")), "task.mjs");
});
afterEach(() => rmSync(join(file, ".."), { recursive: true }));

/** A task whose 30th step does what is given. */
function write(step: string): void {
  writeFileSync(
    file,
    `let total = 0;
const box = { kind: "box", size: 1, low: Float32Array.of(-1), high: Float32Array.of(1) };
const kept = [];
export const env = () => ({
  id: "Task", observationSpace: box, actionSpace: box, maxEpisodeSteps: 20, t: 0,
  reset() { this.t = 0; return { observation: Float64Array.of(0.5), info: {} }; },
  step() {
    if (++total >= 30) { ${step} }
    return { observation: Float64Array.of(0), reward: 0, terminated: false, truncated: ++this.t === 20, info: {} };
  },
  close() {},
});`,
  );
}

const check = (callTimeoutSeconds: number) =>
  checkInThread({ id: file, steps: 100, seconds: 10, callTimeoutSeconds, maxHeapMegabytes: 64 });

describe("checkInThread", () => {
  test.for([
    ["for (;;);", 2, "calls", /^step has not returned for 2 s$/],
    [
      "process.exit(4);",
      60,
      "calls",
      /^the thread ended during step: the thread exited with code 4$/,
    ],
    ["setTimeout(() => { throw new Error('late'); });", 60, "calls", /^the thread ended .*: late$/],
    ["Promise.reject(new Error('adrift'));", 60, "calls", /^the thread ended .*: adrift$/],
    [
      "for (;;) kept.push(new Array(1e5).fill({}));",
      // Collecting garbage where there is no room takes a while.
      60,
      "memory",
      /^the thread ended during step: .*memory/,
    ],
  ] as const)(
    "finds that a step does %s, and where",
    TIMEOUT,
    async ([step, patience, name, what]) => {
      write(step);
      const { ok, findings } = await check(patience);
      // What nobody waits for is noticed when all calls are done.
      const isLate = step.includes("Error");
      expect(ok).toBe(false);
      expect(findings.at(-1)).toMatchObject({
        severity: "error",
        check: name,
        what: expect.stringMatching(what),
        where: expect.objectContaining(isLate ? {} : { seed: 1, step: 10 }),
      });
    },
  );
});

describe("troupe env check", () => {
  test("prints findings, and ends with 1 when there are errors", TIMEOUT, () => {
    write("throw new Error('out of tune');");
    const { code, stdout } = runCli(["env", "check", file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^error \[calls\] step threw: out of tune \(.*task\.mjs:8:\d+\) \(seed 1, step 10\)$/m,
    );
    expect(stdout).toMatch(/^Task: 1 error/m);
  });

  test("prints JSON, and ends with 0 when there are none", TIMEOUT, () => {
    const argv = ["PointMass-v0", "--steps", "200", "-o", "dimensions=3", "--json"];
    const { code, stdout } = runCli(["env", "check", ...argv]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      env: "PointMass-v0",
      ok: true,
      findings: [],
      figures: { steps: 200, episodes: 10, meanEpisodeLength: 20 },
    });
  });

  test.for([
    ["for (;;);", /^error \[calls\] make has not returned for 2 s/],
    ["await new Promise(() => undefined);", /during make: it waits for something that never comes/],
    ["process.exit(0);", /during make: the thread exited with code 0/],
    ["const = 3;", /^error \[calls\] making it threw: environment file .*task\.mjs/],
  ] as const)("finds that the file itself does %s", TIMEOUT, ([text, message]) => {
    writeFileSync(file, text);
    const { code, stdout } = runCli(["env", "check", file, "--call-timeout", "2"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(message) });
  });

  test("is told when a file never comes back", TIMEOUT, () => {
    writeFileSync(file, "await new Promise(() => undefined);");
    const { code, stderr } = runCli(["env", "show", file]);
    expect({ code, stderr }).toEqual({ code: 13, stderr: expect.stringContaining("never comes") });
  });

  test("ends with 2 when there is no such environment", TIMEOUT, () => {
    expect(runCli(["env", "check", "Walker3d"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Walker2d"),
    });
  });
});
