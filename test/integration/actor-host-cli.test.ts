import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { defaultHostName } from "../../src/run/actor-host-name.ts";
import { runCli } from "../cli/run-cli.ts";
import { Harness } from "../transport/gateway/harness.ts";
import { identity, openAuthority } from "../transport/tls/identities.ts";
import { SMALL, scratchFolder, TroupeProcess } from "./train-process.ts";

// Each starts a process or several.
const TIMEOUT = { timeout: 90_000 };

const quiet = ["--metrics", "off", "--no-progress", "--log-format", "json"];

function startActor(context: TestContext, ...argv: readonly string[]): TroupeProcess {
  return new TroupeProcess(context, ["actor", ...quiet, ...argv]);
}

async function writeIdentity(folder: string): Promise<void> {
  const { ca, certificate, key } = await identity(await openAuthority(), "actor");
  writeFileSync(join(folder, "ca.crt"), ca);
  writeFileSync(join(folder, "actor.crt"), certificate);
  writeFileSync(join(folder, "actor.key"), key, { mode: 0o600 });
}

describe("troupe actor", () => {
  test.each([
    [["--workers", "0"], /workers/],
    [["--workers", "some"], /workers/],
    [["--learner", "somewhere"], /--learner: "somewhere" is no HOST:PORT/],
    [["--outbox-policy", "burn"], /pause, drop-oldest/],
    [["--give-up-after", "-1"], /number of seconds/],
    [["--host-id", "a b"], /without spaces/],
    [["--metrics", "9100"], /--metrics/],
    [["--learner", "learner.example:7447"], /not loopback, so certificates are needed/],
    [["--certs", "/nowhere"], /\/nowhere.*npx troupe certs/],
    [["--certs", "x", "--insecure"], /contradict/],
  ])(
    "refuses %j with a hint",
    (argv, message) => {
      const { code, stderr } = runCli(["actor", ...argv]);
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
    },
    90_000,
  );

  test("ends with 75 when it has waited long enough for a learner", TIMEOUT, async (context) => {
    const actor = startActor(context, "--learner", "127.0.0.1:1", "--give-up-after", "0.5");
    const { code, stderr } = await actor.ended();
    expect(stderr).toMatch(/nobody listens at 127.0.0.1:1.*trying again/);
    expect(stderr).toMatch(/error: no learner after \d+ s, giving up/);
    expect(code).toBe(75);
  });

  test("ends with 75 on SIGTERM while it waits", TIMEOUT, async (context) => {
    const actor = startActor(context, "--learner", "127.0.0.1:1");
    await actor.untilLogged("nobody listens");
    actor.kill("SIGTERM");
    const { code, milliseconds } = await actor.ended();
    expect(code).toBe(75);
    expect(milliseconds).toBeLessThan(10_000);
  });

  test("ends with 1 when a later process has its name", TIMEOUT, async (context) => {
    const runDir = scratchFolder(context);
    const listen = ["--listen", "127.0.0.1:0", "--run-dir", runDir, "--name", "run"];
    const argv = ["learner", "PointMass-v0", ...listen, "--no-progress", "--log-format", "json"];
    const learner = new TroupeProcess(context, [...argv, "--metrics", "off", ...SMALL]);
    const { address } = await learner.untilLogged("listening for actors");
    const flags = ["--learner", String(address), "--host-id", "same", "--workers", "1"];
    const former = startActor(context, ...flags);
    await former.untilLogged("takes slot 0, incarnation 1");
    const later = startActor(context, ...flags);
    await later.untilLogged("takes slot 0, incarnation 2");
    const { code, stderr } = await former.ended();
    expect(stderr).toMatch(/error: .*incarnation 2.*should end/);
    expect(code).toBe(1);
    // The name is still the later one's.
    later.kill("SIGTERM");
    expect((await later.ended()).code).toBe(75);
  });

  test("says what is wrong when only one side speaks TLS", TIMEOUT, async (context) => {
    const folder = scratchFolder(context);
    await writeIdentity(folder);
    const learner = await Harness.open();
    context.onTestFinished(() => learner[Symbol.asyncDispose]());
    const actor = startActor(context, "--learner", learner.address, "--certs", folder);
    const { code, stderr } = await actor.ended();
    expect(stderr).toMatch(/error: .*does not speak TLS/);
    expect(code).toBe(1);
  });
});

describe("the default name of a host", () => {
  test("is the same after an end, and another one beside a host that runs", (context) => {
    const folder = scratchFolder(context);
    const first = defaultHostName({}, folder);
    const second = defaultHostName({}, folder);
    expect([first.name, second.name]).toEqual([`${hostname()}-0`, `${hostname()}-1`]);
    first[Symbol.dispose]();
    using again = defaultHostName({}, folder);
    expect(again.name).toBe(first.name);
    second[Symbol.dispose]();
  });

  test("is the same after a crash", TIMEOUT, async (context) => {
    const folder = scratchFolder(context);
    const argv = ["actor", "--learner", "127.0.0.1:1", "--no-progress", "--metrics", "off"];
    const crashed = new TroupeProcess(context, argv, { TMPDIR: folder });
    await crashed.until("a message", () => crashed.stderr.includes("nobody listens"));
    crashed.kill("SIGKILL");
    await crashed.ended();
    using again = defaultHostName({}, join(folder, `troupe-hosts-${process.getuid?.()}`));
    expect(again.name).toBe(`${hostname()}-0`);
  });

  test("is the task's in Slurm, wherever it runs", () => {
    const job = { SLURM_JOB_ID: "17", SLURM_PROCID: "3" };
    expect(defaultHostName(job).name).toBe("slurm-17-3");
    const element = { ...job, SLURM_ARRAY_JOB_ID: "15", SLURM_ARRAY_TASK_ID: "2" };
    expect(defaultHostName(element).name).toBe("slurm-15_2-3");
  });
});
