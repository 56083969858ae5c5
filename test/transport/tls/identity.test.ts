import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CertifiedKey } from "../../../src/transport/certs/authority.ts";
import {
  connectPolicy,
  isLoopback,
  listenPolicy,
  readTlsIdentity,
  type TlsIdentity,
} from "../../../src/transport/tls.ts";
import { skipBecause } from "../../skip-because.ts";
import { type Days, identity, openAuthority } from "./identities.ts";

let authority: CertifiedKey;
let other: CertifiedKey;
let dir: string;

beforeAll(async () => {
  [authority, other] = await Promise.all([openAuthority(), openAuthority()]);
});
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "troupe-identity-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

function write(role: string, { ca, certificate, key }: TlsIdentity): void {
  writeFileSync(join(dir, "ca.crt"), ca);
  writeFileSync(join(dir, `${role}.crt`), certificate);
  writeFileSync(join(dir, `${role}.key`), key);
}

async function actor(days?: Days): Promise<TlsIdentity> {
  const made = await identity(authority, "actor", days && { days });
  write("actor", made);
  return made;
}

/** What reading the actor's identity says. */
function complaint(): string {
  try {
    readTlsIdentity(dir, "actor");
    return "";
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "CONFIG_INVALID" });
    return (thrown as Error).message.replaceAll(dir, "DIR");
  }
}

describe("readTlsIdentity", () => {
  test("reads what belongs together", async () => {
    const made = await actor();
    expect(readTlsIdentity(dir, "actor")).toEqual(made);
  });

  test("takes several authorities in one file, as when one replaces another", async () => {
    await actor();
    const file = join(dir, "ca.crt");
    writeFileSync(file, other.certificate + readFileSync(file, "utf8"));
    expect(complaint()).toBe("");
  });

  test.each(["ca.crt", "actor.crt", "actor.key"])("names %s if it is missing", async (file) => {
    await actor();
    rmSync(join(dir, file));
    const command = file === "ca.crt" ? "init" : "issue actor";
    expect(complaint()).toMatch(
      new RegExp(`^DIR/${file} is missing: .*troupe certs ${command} --dir DIR$`),
    );
  });

  test("names a file that may not be read", async (context) => {
    if (process.getuid?.() === 0) skipBecause("root may read every file", context);
    await actor();
    chmodSync(join(dir, "actor.key"), 0);
    expect(complaint()).toMatch(/^DIR\/actor\.key may not be read by this user/);
  });

  test.each(["ca.crt", "actor.crt", "actor.key"])(
    "names %s if it is something else",
    async (file) => {
      await actor();
      for (const text of [
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      ]) {
        writeFileSync(join(dir, file), text);
        expect(complaint()).toMatch(new RegExp(`DIR/${file}`));
      }
    },
  );

  test("refuses a key of another certificate", async () => {
    await actor();
    writeFileSync(join(dir, "actor.key"), (await identity(authority, "actor")).key);
    expect(complaint()).toMatch(/^DIR\/actor\.key is not the key of DIR\/actor\.crt/);
  });

  test("refuses a certificate of another authority", async () => {
    write("actor", await identity(other, "actor", { trusts: authority }));
    expect(complaint()).toMatch(/^DIR\/actor\.crt was not signed by DIR\/ca\.crt/);
  });

  test("refuses a certificate of another role", async () => {
    write("actor", await identity(authority, "viewer"));
    expect(complaint()).toMatch(/^DIR\/actor\.crt is of the role viewer, actor is needed/);
  });

  test("refuses one that has expired or is not valid yet", async () => {
    await actor({ from: -30, to: -1 });
    expect(complaint()).toMatch(
      /^DIR\/actor\.crt expired on \d{4}-\d\d-\d\d: make a new one with npx troupe certs issue actor --dir DIR --force$/,
    );
    await actor({ from: 1, to: 30 });
    expect(complaint()).toMatch(/clock right\?$/);
  });

  test("warns from two weeks before the end", async () => {
    const warnings: string[] = [];
    const warn = (message: string): void => void warnings.push(message);
    await actor({ from: -1, to: 15 });
    readTlsIdentity(dir, "actor", { warn });
    expect(warnings).toEqual([]);
    await actor({ from: -1, to: 13 });
    readTlsIdentity(dir, "actor", { warn });
    expect(warnings).toEqual([expect.stringMatching(/actor\.crt expires on .* certs issue actor/)]);
  });
});

describe("isLoopback", () => {
  test.each([
    "127.0.0.1",
    "127.8.9.1",
    "::1",
    "[::1]",
    "localhost",
    "LocalHost",
    "a.localhost",
    "::ffff:127.0.0.1",
  ])("%s is", (host) => expect(isLoopback(host)).toBe(true));
  test.each([
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "",
    "localhost.example",
    "notlocalhost",
    "::ffff:10.0.0.1",
    "127.0.0.1.example",
  ])("%j is not", (host) => expect(isLoopback(host)).toBe(false));
});

describe("listenPolicy", () => {
  const plain = { certs: undefined, insecure: false };

  test("lets loopback be plaintext", () => {
    expect(listenPolicy({ host: "127.0.0.1", ...plain })).toBeUndefined();
  });

  test.each(["0.0.0.0", "::", "10.0.0.1", "learner.example"])(
    "wants certificates for %s",
    (host) => {
      expect(() => listenPolicy({ host, ...plain })).toThrow(/certificates are needed.*--insecure/);
      expect(listenPolicy({ host, certs: undefined, insecure: true })).toBeUndefined();
    },
  );

  test("uses certificates wherever they are given", async () => {
    const learner = await identity(authority, "learner");
    write("learner", learner);
    for (const host of ["127.0.0.1", "0.0.0.0"])
      expect(listenPolicy({ host, certs: dir, insecure: false })).toEqual(learner);
  });

  test("refuses to guess when told both", () => {
    expect(() => listenPolicy({ host: "0.0.0.0", certs: dir, insecure: true })).toThrow(
      /contradict/,
    );
  });
});

describe("connectPolicy", () => {
  test("takes the first role that there is a certificate of", async () => {
    const admin = await identity(authority, "admin");
    write("admin", admin);
    const request = { host: "10.0.0.1", certs: dir, insecure: false };
    expect(connectPolicy({ ...request, roles: ["viewer", "admin"] })).toEqual(admin);
    expect(() => connectPolicy({ ...request, roles: ["viewer"] })).toThrow(
      /viewer\.crt is missing/,
    );
  });
});
