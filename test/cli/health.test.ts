import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CertifiedKey } from "../../src/transport/certs/authority.ts";
import type { TlsIdentity } from "../../src/transport/tls.ts";
import { openControlServer } from "../transport/control/control-server.ts";
import { identity, openAuthority } from "../transport/tls/identities.ts";
import { startCli } from "./start-cli.ts";

// Each of these starts Node, which can take a second and more on a busy machine.
const SLOW = { timeout: 90_000 };

let dir: string;
let authority: CertifiedKey;
let learner: TlsIdentity;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "troupe-cli-health-"));
  authority = await openAuthority();
  learner = await identity(authority, "learner");
  writeFileSync(join(dir, "ca.crt"), learner.ca);
  writeFileSync(join(dir, "learner.crt"), learner.certificate);
  writeFileSync(join(dir, "learner.key"), learner.key);
});
afterAll(() => rmSync(dir, { recursive: true }));

const health = (...argv: string[]) => startCli(["health", ...argv]);

describe("troupe health", SLOW, () => {
  test("asks a learner's gRPC health, with and without TLS", async () => {
    using plain = await openControlServer(undefined);
    using secure = await openControlServer(learner);
    const address = `127.0.0.1:${plain.port}`;
    expect(await health("--address", address)).toEqual({
      code: 0,
      stdout: "SERVING\n",
      stderr: "",
    });
    const service = ["--service", "troupe.v1.ActorService"];
    // A probe in the learner's container has the learner's own certificate.
    const probe = ["--address", `localhost:${secure.port}`, "--certs", dir, ...service];
    expect(await health(...probe)).toMatchObject({ code: 0, stdout: "SERVING\n" });
    secure.healthy = false;
    expect(await health(...probe)).toMatchObject({ code: 1, stdout: "NOT_SERVING\n" });
  });

  test("says in a sentence why there is no answer, and ends with 1", async () => {
    using secure = await openControlServer(learner);
    const refused = await health("--address", `localhost:${secure.port}`);
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringMatching(/wants TLS/) });
    const unknown = [
      "--address",
      `localhost:${secure.port}`,
      "--certs",
      dir,
      "--service",
      "nothing",
    ];
    expect(await health(...unknown)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/no service "nothing"/),
    });
    expect(await health("--address", "localhost:1")).toMatchObject({ code: 1 });
  });

  test("asks over HTTP, too, and not both ways at once", async () => {
    const server = createServer(({ url }, response) => {
      response.writeHead(url === "/healthz" ? 200 : 404).end("fine");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const url = `http://127.0.0.1:${port}`;
    expect(await health("--url", url)).toEqual({ code: 0, stdout: "fine\n", stderr: "" });
    await new Promise((resolve) => server.close(resolve));
    expect(await health("--url", url)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/does not answer/),
    });
    expect(await health("--url", url, "--address", "h:1")).toMatchObject({ code: 2 });
  });
});
