import { connect, createServer } from "node:net";
import { ChannelCredentials, Client, status } from "@grpc/grpc-js";
import { beforeAll, describe, expect, test } from "vitest";
import type { CertifiedKey } from "../../../src/transport/certs/authority.ts";
import { ControlClient } from "../../../src/transport/control/control-client.ts";
import type { TlsIdentity } from "../../../src/transport/tls.ts";
import { type ControlServer, openControlServer } from "../control/control-server.ts";
import { soon } from "../uplink/soon.ts";
import { identity, openAuthority } from "./identities.ts";

let ours: CertifiedKey;
let theirs: CertifiedKey;
let learner: TlsIdentity;
let viewer: TlsIdentity;

beforeAll(async () => {
  [ours, theirs] = await Promise.all([openAuthority(), openAuthority()]);
  [learner, viewer] = await Promise.all([
    identity(ours, "learner", { hosts: ["localhost", "127.0.0.1"] }),
    identity(ours, "viewer"),
  ]);
});

/** What a client is told: the run's id, or the error's message. */
async function ask(
  server: { readonly port: number },
  tls: TlsIdentity | undefined,
  host = "localhost",
): Promise<string> {
  using client = new ControlClient({ address: `${host}:${server.port}`, tls, timeoutMs: 20_000 });
  return await client.status().then(
    ({ runId }) => runId,
    (error: Error) => error.message,
  );
}

/** The one reason the server gave for turning somebody away. */
async function refusal({ refused }: ControlServer): Promise<string> {
  await soon(() => expect(refused).toHaveLength(1));
  expect(refused[0]?.peer).toBe("127.0.0.1");
  return refused[0]?.reason ?? "";
}

describe("a learner with TLS", () => {
  test("answers a viewer by name and by IP address, without a warning", async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on("warning", listen);
    using server = await openControlServer(learner);
    expect(await ask(server, viewer)).toBe("r1");
    expect(await ask(server, viewer, "127.0.0.1")).toBe("r1");
    // Warnings are emitted on the next tick.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", listen);
    expect(warnings).toEqual([]);
    expect(server.refused).toEqual([]);
  });

  test("answers certificates of two authorities while one replaces the other", async () => {
    const both = { certificate: ours.certificate + theirs.certificate, key: "" };
    using server = await openControlServer(await identity(ours, "learner", { trusts: both }));
    expect(await ask(server, viewer)).toBe("r1");
    expect(await ask(server, await identity(theirs, "viewer", { trusts: both }))).toBe("r1");
    expect(server.refused).toEqual([]);
  });

  const clients: readonly (readonly [string, () => Promise<TlsIdentity>, RegExp])[] = [
    [
      "an expired certificate",
      () => identity(ours, "viewer", { days: { from: -30, to: -1 } }),
      /^its certificate has expired$/,
    ],
    [
      "a certificate from the future",
      () => identity(ours, "viewer", { days: { from: 1, to: 30 } }),
      /not valid yet/,
    ],
    [
      "a certificate of another authority",
      () => identity(theirs, "viewer", { trusts: ours }),
      /not signed by our authority/,
    ],
  ];
  test.each(clients)("turns away %s, and both sides say so", async (_, makeIdentity, reason) => {
    using server = await openControlServer(learner);
    expect(await ask(server, await makeIdentity())).toMatch(
      /^the learner at localhost:\d+ ended the connection while greeting: it went away, or it does not accept our certificate/,
    );
    expect(await refusal(server)).toMatch(reason);
  });

  test("turns away who shows no certificate, and both sides say so", async () => {
    using server = await openControlServer(learner);
    const credentials = ChannelCredentials.createSsl(Buffer.from(learner.ca));
    const client = new Client(`localhost:${server.port}`, credentials);
    const asIs = (bytes: Buffer): Buffer => bytes;
    const code = await new Promise((resolve) => {
      client.makeUnaryRequest("/any", asIs, asIs, Buffer.alloc(0), (error) => resolve(error?.code));
    });
    client.close();
    expect(code).toBe(status.UNAVAILABLE);
    expect(await refusal(server)).toBe("it showed no certificate");
  });

  test("turns away plaintext, and both sides say so", async () => {
    using server = await openControlServer(learner);
    expect(await ask(server, undefined)).toMatch(/probably wants TLS, so give --certs DIR$/);
    expect(await refusal(server)).toBe("it does not speak TLS");
  });

  test("waits only so long for the rest of a greeting", async () => {
    using server = await openControlServer(learner);
    const socket = connect(server.port, "127.0.0.1", () => socket.write(Buffer.from([22, 3, 1])));
    await new Promise((resolve) => socket.on("error", resolve).on("close", resolve).resume());
    expect(await refusal(server)).toBe("it did not finish the handshake in time");
  });

  test("lives through garbage and half greetings, and minds no probe of its port", async () => {
    using server = await openControlServer(learner);
    for (const bytes of [Buffer.alloc(300, 7), Buffer.from([22, 3, 1, 2, 0, 1]), Buffer.alloc(0)]) {
      const socket = connect(server.port, "127.0.0.1");
      await new Promise((resolve) => socket.end(bytes, () => resolve(undefined)));
      await new Promise((resolve) => socket.on("close", resolve).on("error", resolve).resume());
    }
    expect(await ask(server, viewer)).toBe("r1");
    // The last sent nothing at all.
    await soon(() => expect(server.refused).toHaveLength(2));
  });
});

describe("a client", () => {
  const servers: readonly (readonly [string, () => Promise<TlsIdentity>, RegExp])[] = [
    [
      "an expired certificate",
      () => identity(ours, "learner", { days: { from: -30, to: -1 } }),
      /^the certificate of the learner at localhost:\d+ has expired: make a new one with npx troupe certs issue learner --force/,
    ],
    [
      "a certificate from the future",
      () => identity(ours, "learner", { days: { from: 1, to: 30 } }),
      /is not valid yet: do the two machines' clocks differ\?$/,
    ],
    [
      "a certificate of another authority",
      () => identity(theirs, "learner", { trusts: ours }),
      /was not signed by the authority in our ca\.crt/,
    ],
    [
      "a certificate for another host",
      () => identity(ours, "learner", { hosts: ["learner.example", "10.0.0.9"] }),
      /^the learner's certificate is not for localhost \(it is for learner\.example, 10\.0\.0\.9\): make it anew with npx troupe certs issue learner --force --host localhost/,
    ],
    [
      "an actor's certificate",
      () => identity(ours, "actor"),
      /shows a certificate that is not a learner's$/,
    ],
  ];
  test.each(servers)(
    "leaves a learner with %s, and both sides say so",
    async (_, make, message) => {
      using server = await openControlServer(await make());
      expect(await ask(server, viewer)).toMatch(message);
      expect(await refusal(server)).toMatch(/^it hung up during the handshake/);
    },
  );

  test("names the IP addresses of a certificate that lacks the one it called", async () => {
    using server = await openControlServer(
      await identity(ours, "learner", { hosts: ["10.0.0.9"] }),
    );
    expect(await ask(server, viewer, "127.0.0.1")).toMatch(
      /^the learner's certificate is not for 127\.0\.0\.1 \(it is for 10\.0\.0\.9\)/,
    );
  });

  test("says that a learner does not speak TLS", async () => {
    using server = await openControlServer(undefined);
    expect(await ask(server, viewer)).toMatch(/^localhost:\d+ does not speak TLS/);
  });

  test("says that nobody listens", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    for (const tls of [viewer, undefined])
      expect(await ask({ port }, tls)).toMatch(/^nobody listens at localhost:\d+/);
  });

  test("says that something else listens", async () => {
    const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address() as { port: number };
    expect(await ask(address, undefined)).toMatch(/^what answers at localhost:\d+ is no learner$/);
    expect(await ask(address, viewer)).toMatch(/does not speak TLS/);
    server.close();
  });

  test("says that the learner does not answer in time", async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    using client = new ControlClient({ address: `localhost:${port}`, tls: viewer, timeoutMs: 200 });
    await expect(client.status()).rejects.toMatchObject({
      code: "LEARNER_LOST",
      message: expect.stringMatching(/did not answer in time/),
    });
    server.close();
  });
});
