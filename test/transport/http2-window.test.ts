import {
  credentials,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
} from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { widenHttp2Windows } from "../../src/transport/http2-window.ts";
import { ChaosProxy } from "../chaos/proxy.ts";

const RTT_MS = 100;
/** Bytes per second that HTTP/2's own window lets through at most: 65,535 bytes in each round trip. */
const NARROW_RATE = 65_535 / (RTT_MS / 1000);
const MESSAGE = Buffer.alloc(64 << 10);

const bytes = (value: Buffer): Buffer => value;
const definition = {
  upload: {
    path: "/test.Sink/Upload",
    requestStream: true,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
} as const;

/** Sends `size` bytes to a server over a line of 100 ms; returns bytes per second. */
async function uploadRate(port: number, size: number): Promise<number> {
  await using proxy = await ChaosProxy.listen({ target: { host: "127.0.0.1", port }, seed: 1 });
  const Client = makeGenericClientConstructor(definition, "test.Sink");
  const client = new Client(`127.0.0.1:${proxy.port}`, credentials.createInsecure());
  const ready = new Promise<void>((resolve, reject) =>
    client.waitForReady(Date.now() + 20_000, (error) => (error ? reject(error) : resolve())),
  );
  await ready;
  proxy.set("both", { delayMs: RTT_MS / 2 });
  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    const call = client.makeClientStreamRequest(
      definition.upload.path,
      bytes,
      bytes,
      (error: unknown) => (error ? reject(error) : resolve()),
    );
    for (let sent = 0; sent < size; sent += MESSAGE.length) call.write(MESSAGE);
    call.end();
  });
  const seconds = (performance.now() - began) / 1000;
  client.close();
  return size / seconds;
}

async function serve(): Promise<{ server: Server; port: number }> {
  const server = new Server();
  server.addService(definition, {
    upload: (call: NodeJS.ReadableStream, callback: (error: null, value: Buffer) => void) => {
      call.on("data", () => undefined);
      call.on("end", () => callback(null, Buffer.alloc(0)));
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { server, port };
}

describe("widenHttp2Windows", () => {
  test("lets a connection to a grpc-js server carry many times what its window would", async () => {
    const narrow = await serve();
    const held = widenHttp2Windows();
    const wide = await serve();
    held[Symbol.dispose]();
    const before = await uploadRate(narrow.port, 512 << 10);
    // The best of a few, should the machine be busy.
    let after = 0;
    for (let i = 0; i < 5 && after < 8 * NARROW_RATE; i++) {
      after = Math.max(after, await uploadRate(wide.port, 8 << 20));
    }
    narrow.server.forceShutdown();
    wide.server.forceShutdown();
    expect(after).toBeGreaterThan(8 * NARROW_RATE);
    // Should grpc-js learn to do it by itself, the wrapper can go.
    expect(before).toBeLessThan(1.2 * NARROW_RATE);
  }, 90_000); // Up to five uploads on a busy machine.
});
