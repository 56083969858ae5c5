import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { checkCpus, checkMemory, checkNode, checkPort } from "../../src/cli/doctor-checks.ts";
import { CommandExit, errorText, exitCodeOf } from "../../src/cli/exit.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { RunError } from "../../src/errors.ts";

describe("doctor's checks", () => {
  test.each([
    ["18.20.0", "fail"],
    ["20.18.1", "fail"],
    ["20.19.0", "ok"],
    ["24.1.0", "ok"],
  ])("of Node %s: %s", (version, status) => {
    expect(checkNode(version).status).toBe(status);
  });

  test("warn of one CPU and of little memory, with a fix", () => {
    const small = { cpus: 1, memoryBytes: 2 ** 29 };
    for (const finding of [checkCpus(small), checkMemory(small)]) {
      expect(finding.status).toBe("warn");
      expect(finding.fix).toBeDefined();
    }
    expect(checkMemory({ cpus: 1, memoryBytes: 2 ** 33 }).status).toBe("ok");
  });

  test("fail for a port that is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const { metrics } = parseConfig({ metrics: { port } });
    expect(await checkPort(metrics)).toMatchObject({ status: "fail", fix: expect.any(String) });
    taken.close();
    await once(taken, "close");
    expect((await checkPort(metrics)).status).toBe("ok");
    expect((await checkPort({ ...metrics, port: "off" })).detail).toBe("metrics are off");
  });
});

describe("exitCodeOf", () => {
  test("is 2 for what the user can mend on the command line, 1 for the world's failures", () => {
    expect(exitCodeOf(new RunError("CONFIG_INVALID", "x"))).toBe(2);
    expect(exitCodeOf(new RunError("RUN_EXISTS", "x"))).toBe(2);
    expect(exitCodeOf(new RunError("DISK_FULL", "x"))).toBe(1);
    expect(exitCodeOf(new Error("x"))).toBe(1);
    expect(exitCodeOf(new CommandExit(75))).toBe(75);
  });

  test("goes with a text that has a stack only for what was not foreseen", () => {
    expect(errorText(new RunError("CONFIG_INVALID", "a\nb"))).toBe("error: a\nerror: b");
    expect(errorText(new TypeError("broken"))).toMatch(/^error: broken\nTypeError: broken\n +at /);
    expect(errorText(new CommandExit(3))).toBeUndefined();
  });
});
