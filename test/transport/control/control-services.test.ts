import { ChannelCredentials, Client, type ClientReadableStream } from "@grpc/grpc-js";
import fc from "fast-check";
import { service as health } from "grpc-health-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { RunError } from "../../../src/errors.ts";
import type { CertifiedKey } from "../../../src/transport/certs/authority.ts";
import { ControlClient } from "../../../src/transport/control/control-client.ts";
import type { Role, TlsIdentity } from "../../../src/transport/tls.ts";
import { identity, openAuthority } from "../tls/identities.ts";
import { soon } from "../uplink/soon.ts";
import { type ControlServer, openControlServer, someStatus } from "./control-server.ts";

let authority: CertifiedKey;
let learner: TlsIdentity;
beforeAll(async () => {
  authority = await openAuthority();
  learner = await identity(authority, "learner");
});

function connect({ port }: ControlServer, tls?: TlsIdentity): ControlClient {
  return new ControlClient({ address: `localhost:${port}`, tls, timeoutMs: 20_000 });
}

/** A client that sends bytes as they are. */
function rawClient({ port }: ControlServer): Client {
  return new Client(`localhost:${port}`, ChannelCredentials.createInsecure());
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** The number of the status that a unary call with these bytes ends with. */
function callRaw(client: Client, path: string, bytes: Buffer): Promise<number> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, asIs, asIs, bytes, (error) => resolve(error?.code ?? 0));
  });
}

describe("ControlService", () => {
  test("reports, writes checkpoints and stops", async () => {
    using server = await openControlServer(undefined);
    using client = connect(server);
    expect(await client.status()).toEqual(someStatus);
    expect(await client.checkpoint()).toEqual({ name: "step-000000240000" });
    await client.stop();
    expect(server.asked).toEqual(["checkpoint", "stop"]);
  });

  const allowed: Readonly<Record<Role, readonly string[]>> = {
    learner: ["health"],
    actor: ["health"],
    viewer: ["health", "status"],
    admin: ["health", "status", "checkpoint", "stop"],
  };
  for (const role of ["learner", "actor", "viewer", "admin"] as const)
    test(`lets the role ${role} do ${allowed[role].join(", ")} and no more`, async () => {
      using server = await openControlServer(learner);
      using client = connect(server, await identity(authority, role));
      const calls = {
        health: () => client.health(""),
        status: () => client.status(),
        checkpoint: () => client.checkpoint(),
        stop: () => client.stop(),
      };
      const open: string[] = [];
      for (const [name, call] of Object.entries(calls)) {
        const error = await call().then(
          () => undefined,
          (thrown: RunError) => thrown,
        );
        if (error === undefined) open.push(name);
        else {
          expect(error).toMatchObject({ code: "LEARNER_REFUSED" });
          expect(error.message).toMatch(
            new RegExp(`denies this: this needs .* yours has ${role}$`),
          );
        }
      }
      expect(open).toEqual(allowed[role]);
      expect(server.asked).toEqual(allowed[role].filter((name) => /checkpoint|stop/.test(name)));
      expect(server.denied).toHaveLength(4 - open.length);
      for (const { method, peer } of server.denied) {
        expect(method).toMatch(/^\/troupe\.v1\.ControlService\//);
        expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
      }
    });

  test("passes on why there is no checkpoint, and goes on", async () => {
    using server = await openControlServer(undefined, {
      checkpoint: () => Promise.reject(new RunError("DISK_FULL", "the disk is full")),
      status: () => {
        throw new Error("no status yet");
      },
    });
    using client = connect(server);
    await expect(client.checkpoint()).rejects.toThrow("the disk is full");
    await expect(client.status()).rejects.toThrow("no status yet");
    await client.stop();
    expect(server.asked).toEqual(["stop"]);
  });

  test("answers bytes that are no request with a status, whatever they are", async () => {
    using server = await openControlServer(undefined);
    const client = rawClient(server);
    const method = fc.constantFrom(
      "/troupe.v1.ControlService/GetStatus",
      "/troupe.v1.ControlService/Nothing",
      "/grpc.health.v1.Health/Check",
      "/grpc.health.v1.Health/List",
    );
    await fc.assert(
      fc.asyncProperty(method, fc.uint8Array({ maxLength: 64 }), async (path, bytes) => {
        expect([0, 5, 12, 13]).toContain(await callRaw(client, path, Buffer.from(bytes)));
      }),
      { numRuns: 200 },
    );
    expect(await callRaw(client, "/troupe.v1.ControlService/GetStatus", Buffer.from([0xff]))).toBe(
      13,
    );
    client.close();
    using after = connect(server);
    expect(await after.status()).toEqual(someStatus);
  });

  test("ends streams of bytes that are no requests, whatever they are", async () => {
    using server = await openControlServer(undefined);
    const client = rawClient(server);
    const method = fc.constantFrom(
      "/grpc.health.v1.Health/Watch",
      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    );
    const messages = fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(method, messages, async (path, all) => {
        const call = client.makeBidiStreamRequest(path, asIs, asIs);
        const ended = new Promise((resolve) => call.once("status", ({ code }) => resolve(code)));
        call.on("error", () => {}).resume();
        for (const bytes of all) call.write(Buffer.from(bytes));
        call.end();
        // A watch that is understood goes on for ever.
        call.once("data", () => call.cancel());
        expect([0, 1, 12, 13]).toContain(await ended);
      }),
      { numRuns: 100 },
    );
    client.close();
    using after = connect(server);
    expect(await after.health("")).toBe("SERVING");
  });

  test("refuses a request above the limit of a message", async () => {
    using server = await openControlServer(undefined);
    const client = rawClient(server);
    const bytes = Buffer.alloc(5 << 20);
    expect(await callRaw(client, "/troupe.v1.ControlService/GetStatus", bytes)).toBe(8);
    client.close();
  });
});

describe("grpc.health.v1", () => {
  test("follows the host's health", async () => {
    using server = await openControlServer(undefined);
    using client = connect(server);
    for (const service of ["", "troupe.v1.ActorService"]) {
      server.healthy = true;
      expect(await client.health(service)).toBe("SERVING");
      server.healthy = false;
      expect(await client.health(service)).toBe("NOT_SERVING");
    }
    await expect(client.health("nothing")).rejects.toThrow(/no service "nothing"/);
  });

  interface State {
    readonly status: string;
  }

  function watch(client: Client, service: string): ClientReadableStream<State> {
    const { path, requestSerialize, responseDeserialize } = health["Watch"]!;
    return client.makeServerStreamRequest<object, State>(
      path,
      requestSerialize,
      responseDeserialize as (bytes: Buffer) => State,
      { service },
    );
  }

  test("tells a watcher the state and each change", async () => {
    using server = await openControlServer(undefined);
    const client = rawClient(server);
    const seen: string[] = [];
    const call = watch(client, "");
    call.on("data", ({ status }: State) => seen.push(status)).on("error", () => {});
    await soon(() => expect(seen).toEqual(["SERVING"]));
    server.healthy = false;
    await soon(() => expect(seen).toEqual(["SERVING", "NOT_SERVING"]));
    server.healthy = true;
    await soon(() => expect(seen).toHaveLength(3));
    call.cancel();
    client.close();
  });

  test("asks nobody any more once a watcher is gone", async () => {
    let asked = 0;
    using server = await openControlServer(undefined, { health: () => ++asked > 0 });
    const client = rawClient(server);
    const call = watch(client, "");
    await new Promise((resolve) => call.once("data", resolve));
    await soon(() => expect(asked).toBeGreaterThan(2));
    const closed = new Promise((resolve) => call.once("error", resolve));
    call.cancel();
    await closed;
    let before = -1;
    const isStill = (): boolean => {
      const still = asked === before;
      before = asked;
      return still;
    };
    // It is asked every 500 ms while somebody watches.
    await vi.waitFor(() => expect(isStill()).toBe(true), { interval: 700, timeout: 20_000 });
    client.close();
  });

  test("tells who watches an unknown service so, and keeps the call open", async () => {
    using server = await openControlServer(undefined);
    const client = rawClient(server);
    const call = watch(client, "nothing");
    const first = await new Promise<State>((resolve) =>
      call.on("error", () => {}).once("data", resolve),
    );
    expect(first.status).toBe("SERVICE_UNKNOWN");
    call.cancel();
    client.close();
  });
});
