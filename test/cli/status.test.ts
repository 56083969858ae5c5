import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statusText } from "../../src/cli/status-text.ts";
import type { CertifiedKey } from "../../src/transport/certs/authority.ts";
import type { Role, TlsIdentity } from "../../src/transport/tls.ts";
import { openControlServer, someStatus } from "../transport/control/control-server.ts";
import { identity, openAuthority } from "../transport/tls/identities.ts";
import type { CliResult } from "./run-cli.ts";
import { startCli } from "./start-cli.ts";

// Each of these starts Node, which can take a second and more on a busy machine.
const SLOW = { timeout: 90_000 };

let dir: string;
let authority: CertifiedKey;
let learner: TlsIdentity;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "troupe-cli-status-"));
  authority = await openAuthority();
  learner = await identity(authority, "learner");
  for (const role of ["viewer", "admin", "actor"] as const) await folder(role, role, authority);
  await folder("stranger", "viewer", await openAuthority());
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A folder of certificates, by its name in `dir`. */
async function folder(name: string, role: Role, ca: CertifiedKey): Promise<void> {
  const made = await identity(ca, role);
  mkdirSync(join(dir, name));
  writeFileSync(join(dir, name, "ca.crt"), made.ca);
  writeFileSync(join(dir, name, `${role}.crt`), made.certificate);
  writeFileSync(join(dir, name, `${role}.key`), made.key);
}

function ask({ port }: { readonly port: number }, ...argv: string[]): Promise<CliResult> {
  return startCli([...argv, "--learner", `localhost:${port}`], dir);
}

describe("troupe status", SLOW, () => {
  test("shows the run, who waits, and each actor", async () => {
    using server = await openControlServer(learner);
    const { code, stdout, stderr } = await ask(server, "status", "--certs", "viewer");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("run r1  sac on HalfCheetah-v5, term 2, up 1h02m");
    expect(stdout).toContain(
      "250,000 of 1,000,000 env steps (25.0 %), 240,000 updates; 1 actor makes 812 env steps/s, 0 updates/s",
    );
    expect(stdout).toContain("limiter: nobody waits (replay 250,000)");
    expect(stdout).toContain("log: 2.50 GB of 10.00 GB, 1 unrolls pending");
    expect(stdout).toMatch(
      /^0\.3 +node-a\/1 +connected +812 +239,990 +10 +1,200 +1,199 +1 +2 +7 +0\.4s +10\.0\.0\.7:51234$/m,
    );
    expect(stdout).toMatch(/^1\.1 +node-b\/0 +gone +- +random +- .* 1m15s$/m);
  });

  test("prints what the learner answered as JSON", async () => {
    using server = await openControlServer(undefined);
    const { code, stdout } = await ask(server, "status", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ...someStatus,
      limiter: { ...someStatus.limiter, low: "-Infinity" },
    });
  });

  test("says in a sentence what is wrong, and ends with 1", async () => {
    using secure = await openControlServer(learner);
    using plain = await openControlServer(undefined);
    const cases = [
      [secure, ["--certs", "actor"], 2, /actor\/viewer\.crt is missing/],
      [secure, ["--certs", "stranger"], 1, /was not signed by the authority in our ca\.crt/],
      [secure, [], 1, /probably wants TLS, so give --certs DIR/],
      [plain, ["--certs", "viewer"], 1, /does not speak TLS/],
      [{ port: 1 }, [], 1, /nobody listens at localhost:1/],
      [{ port: 70_000 }, [], 2, /no HOST:PORT/],
      [secure, ["--certs", "viewer", "--insecure"], 2, /contradict/],
    ] as const;
    const results = await Promise.all(
      cases.map(async ([server, flags, code, complaint]) => ({
        expected: { code, complaint },
        got: await ask(server, "status", ...flags),
      })),
    );
    for (const { expected, got } of results) {
      expect(got.stderr).toMatch(expected.complaint);
      expect(got.stderr.trim().split("\n")).toHaveLength(1);
      expect([got.code, got.stdout]).toEqual([expected.code, ""]);
    }
  });

  test("does not leave loopback without certificates", async () => {
    const { code, stderr } = await startCli(["status", "--learner", "10.0.0.1:7447"], dir);
    expect(code).toBe(2);
    expect(stderr).toMatch(/10\.0\.0\.1 is not loopback, so certificates are needed/);
  });
});

describe("troupe control", SLOW, () => {
  test("is for admins", async () => {
    using server = await openControlServer(learner);
    const checkpoint = await ask(server, "control", "checkpoint", "--certs", "admin");
    expect(checkpoint).toEqual({
      code: 0,
      stdout: "step-000000240000 is on the disk\n",
      stderr: "",
    });
    expect(await ask(server, "control", "stop", "--certs", "admin")).toMatchObject({ code: 0 });
    expect(server.asked).toEqual(["checkpoint", "stop"]);
    expect(await ask(server, "status", "--json", "--certs", "admin")).toMatchObject({ code: 0 });
    expect(await ask(server, "control", "stop", "--certs", "viewer")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/admin\.crt is missing/),
    });
  });
});

describe("statusText", () => {
  const look = { at: 1_000, status: someStatus };

  test("gives the updates between two looks, unless the learner was started again", () => {
    const later = { at: 3_000, status: { ...someStatus, learnerSteps: 240_150 } };
    expect(statusText(later, look)).toContain(", 75 updates/s");
    const restarted = { at: 3_000, status: { ...later.status, term: 3 } };
    expect(statusText(restarted, look)).not.toContain("updates/s");
    expect(statusText(later)).not.toContain("updates/s");
  });

  test("says loudly that nothing is written", () => {
    const log = { ...someStatus.log!, trouble: "the disk is full" };
    expect(statusText({ ...look, status: { ...someStatus, log } })).toContain(
      "NOTHING IS WRITTEN: the disk is full",
    );
  });

  test("does without what is not there", () => {
    const status = { ...someStatus, log: undefined, limiter: undefined, actors: [] };
    const text = statusText({ ...look, status });
    expect(text).toContain("no actors yet");
    expect(text).not.toMatch(/log:|limiter:|undefined|NaN/);
  });
});
