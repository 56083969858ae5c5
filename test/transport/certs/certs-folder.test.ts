import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type IssueOptions,
  initCerts,
  issueCerts,
  listCerts,
} from "../../../src/transport/certs/certs-folder.ts";
import { type Role, readTlsIdentity, roles } from "../../../src/transport/tls.ts";

const DAY_MS = 86_400_000;
const now = Date.now();
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "troupe-certs-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

function init(options: { force?: boolean } = {}) {
  return initCerts(dir, { force: options.force ?? false, now });
}

function issue(role: Role, options: Partial<IssueOptions> = {}) {
  return issueCerts(role, {
    dir,
    out: dir,
    name: role,
    hosts: [],
    days: 365,
    force: false,
    now,
    ...options,
  });
}

function certificate(file: string): X509Certificate {
  return new X509Certificate(readFileSync(join(dir, file)));
}

function modeOf(file: string): number {
  return statSync(join(dir, file)).mode & 0o777;
}

describe("initCerts", () => {
  test("makes an authority for ten years that can sign no other authority", async () => {
    const { until } = await init();
    expect((until.getTime() - now) / DAY_MS).toBeCloseTo(3653, 0);
    const ca = certificate("ca.crt");
    expect(ca.ca).toBe(true);
    expect(ca.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(modeOf("ca.key")).toBe(0o600);
  });

  test("gives each authority a name of its own", async () => {
    await init();
    const first = certificate("ca.crt").subject;
    await init({ force: true });
    expect(certificate("ca.crt").subject).not.toBe(first);
  });

  test("replaces none without being told to", async () => {
    await init();
    const before = readFileSync(join(dir, "ca.key"), "utf8");
    await expect(init()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(/ca\.crt exists: --force replaces it, and no certificate/),
    });
    // Half a pair counts, too.
    rmSync(join(dir, "ca.crt"));
    await expect(init()).rejects.toThrow(/ca\.key exists/);
    expect(readFileSync(join(dir, "ca.key"), "utf8")).toBe(before);
  });
});

describe("issueCerts", () => {
  test.each(roles)("makes a %s whom the other side can check", async (role) => {
    await init();
    await issue(role);
    const made = certificate(`${role}.crt`);
    expect(made.subject).toBe(`CN=troupe-${role}\nOU=${role}`);
    expect(made.verify(certificate("ca.crt").publicKey)).toBe(true);
    expect(made.ca).toBe(false);
    const usages = ["1.3.6.1.5.5.7.3.2", ...(role === "learner" ? ["1.3.6.1.5.5.7.3.1"] : [])];
    expect([...made.keyUsage].sort()).toEqual(usages.sort());
    expect(modeOf(`${role}.key`)).toBe(0o600);
    expect(readTlsIdentity(dir, role, { now }).certificate).toContain("BEGIN CERTIFICATE");
  });

  test("names a learner's hosts: those given and this machine's own", async () => {
    await init();
    await issue("learner", {
      hosts: ["learner.example", "*.cluster.example", "10.0.0.5", "fd00::5"],
    });
    const made = certificate("learner.crt");
    for (const name of ["learner.example", "any.cluster.example", "localhost"])
      expect(made.checkHost(name)).toBeDefined();
    for (const address of ["10.0.0.5", "fd00::5", "127.0.0.1", "::1"])
      expect(made.checkIP(address)).toBeDefined();
    expect(made.checkHost("other.example")).toBeUndefined();
    await issue("learner", { force: true });
    expect(certificate("learner.crt").checkHost(hostname())).toBeDefined();
  });

  test.each(["a b", "", "-", "host:7447", "http://host", "300.1.1.1/8"])(
    "refuses the host %j",
    async (host) => {
      await init();
      await expect(issue("learner", { hosts: [host] })).rejects.toMatchObject({
        code: "CONFIG_INVALID",
      });
    },
  );

  test("holds from a little before now for as long as asked, within the authority's life", async () => {
    await init();
    await issue("actor", { days: 2 });
    const { validFrom, validTo } = certificate("actor.crt");
    expect(Date.parse(validFrom)).toBeLessThan(now - 60_000);
    expect((Date.parse(validTo) - now) / DAY_MS).toBeCloseTo(2, 3);
    await expect(issue("actor", { days: 4_000, force: true })).rejects.toThrow(/itself ends on/);
  });

  test("replaces none without being told to, and then the key's mode, too", async () => {
    await init();
    await issue("viewer");
    await expect(issue("viewer")).rejects.toThrow(/viewer\.crt exists: --force replaces it$/);
    writeFileSync(join(dir, "admin.key"), "", { mode: 0o644 });
    await issue("admin", { force: true });
    expect(modeOf("admin.key")).toBe(0o600);
  });

  test("fills a folder for another machine, without the authority's key", async () => {
    await init();
    const out = join(dir, "rack1");
    const { certificateFile } = await issue("actor", { out });
    expect(certificateFile).toBe(join(out, "actor.crt"));
    expect(readTlsIdentity(out, "actor", { now }).ca).toBe(
      readFileSync(join(dir, "ca.crt"), "utf8"),
    );
    expect(listCerts(out).map(({ file, hasKey }) => [file, hasKey])).toEqual([
      ["actor.crt", true],
      ["ca.crt", false],
    ]);
  });

  test("signs with the authority that ca.key belongs to, if ca.crt holds two", async () => {
    await init();
    const old = readFileSync(join(dir, "ca.crt"), "utf8");
    await init({ force: true });
    const fresh = readFileSync(join(dir, "ca.crt"), "utf8");
    writeFileSync(join(dir, "ca.crt"), old + fresh);
    await issue("actor");
    expect(certificate("actor.crt").verify(new X509Certificate(fresh).publicKey)).toBe(true);
    expect(readTlsIdentity(dir, "actor", { now }).key).toContain("PRIVATE KEY");
  });

  test("says what is missing", async () => {
    await expect(issue("actor")).rejects.toThrow(
      /ca\.crt is missing: begin with npx troupe certs init/,
    );
    await init();
    rmSync(join(dir, "ca.key"));
    await expect(issue("actor")).rejects.toThrow(
      /ca\.key is missing: .* where the authority was made/,
    );
    writeFileSync(join(dir, "ca.key"), "nonsense");
    await expect(issue("actor")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

describe("listCerts", () => {
  test("tells whose a certificate is and whether it belongs here", async () => {
    await init();
    await issue("viewer", { name: "old-viewer" });
    await init({ force: true });
    await issue("learner", { hosts: ["h"] });
    const found = Object.fromEntries(listCerts(dir).map((entry) => [entry.file, entry]));
    expect(found["ca.crt"]).toMatchObject({ role: "authority", trusted: true });
    expect(found["old-viewer.crt"]).toMatchObject({ role: "viewer", trusted: false });
    expect(found["learner.crt"]).toMatchObject({ role: "learner", trusted: true });
    expect(found["learner.crt"]?.hosts).toContain("h");
  });
});
