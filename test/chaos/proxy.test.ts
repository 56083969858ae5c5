import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { ChaosProxy } from "./proxy.ts";

interface Peers {
  readonly proxy: ChaosProxy;
  /** Connects through the proxy; `far` is the server's end. */
  connect(): Promise<{ readonly near: Watched; readonly far: Watched }>;
}

/** A socket, and what came out of it. */
class Watched {
  readonly socket: Socket;
  readonly chunks: Buffer[] = [];
  ended = false;
  error: NodeJS.ErrnoException | undefined;
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.chunks.push(chunk));
    socket.on("end", () => (this.ended = true));
    socket.on("error", (error) => (this.error = error));
    socket.on("close", () => (this.closed = true));
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  async untilReceived(bytes: number): Promise<Buffer> {
    await until(() => this.received.length >= bytes);
    return this.received;
  }
}

async function until(condition: () => boolean, limitMs = 20_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function peers(): Promise<Peers> {
  const accepted: Watched[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(new Watched(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await ChaosProxy.listen({
    target: { host: "127.0.0.1", port: (server.address() as AddressInfo).port },
    seed: 1,
  });
  const sockets: Socket[] = [];
  onTestFinished(async () => {
    await proxy[Symbol.asyncDispose]();
    for (const socket of [...sockets, ...accepted.map((peer) => peer.socket)]) socket.destroy();
    server.close();
  });
  return {
    proxy,
    async connect() {
      const before = accepted.length;
      const socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
      sockets.push(socket);
      const near = new Watched(socket);
      await once(socket, "connect");
      await until(() => accepted.length > before);
      return { near, far: accepted[before]! };
    },
  };
}

const hello = Buffer.from("hello, other side");

describe("ChaosProxy", () => {
  test("forwards both ways, and the end of each", async () => {
    const { connect } = await peers();
    const { near, far } = await connect();
    const large = Buffer.alloc(3 << 20, "abcdefg");
    near.socket.end(large);
    expect((await far.untilReceived(large.length)).equals(large)).toBe(true);
    await until(() => far.ended);
    expect(near.ended).toBe(false);
    far.socket.end(hello);
    await until(() => near.closed);
    expect(near.received).toEqual(hello);
    expect(near.error).toBeUndefined();
  });

  test("delays, and keeps the order whatever the jitter", async () => {
    const { proxy, connect } = await peers();
    const { near, far } = await connect();
    proxy.set("up", { delayMs: 60, jitterMs: 40 });
    const start = performance.now();
    const words = Array.from({ length: 50 }, (_, i) => `<${i}>`);
    for (const word of words) {
      near.socket.write(word);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const text = await far.untilReceived(words.join("").length);
    expect(performance.now() - start).toBeGreaterThan(60);
    expect(text.toString()).toBe(words.join(""));
    // The other way is as it was: what is sent later is there first.
    proxy.set("up", { delayMs: 2_000, jitterMs: 0 });
    near.socket.write("late");
    far.socket.write(hello);
    await near.untilReceived(hello.length);
    expect(far.received.length).toBe(text.length);
  });

  test("limits the rate", async () => {
    const { proxy, connect } = await peers();
    const { near, far } = await connect();
    proxy.set("both", { bytesPerSecond: 1e6 });
    const start = performance.now();
    near.socket.write(Buffer.alloc(300_000));
    await far.untilReceived(300_000);
    const seconds = (performance.now() - start) / 1000;
    expect(seconds).toBeGreaterThan(0.25);
    expect(seconds).toBeLessThan(3);
  });

  test("a stall holds everything and loses nothing", async () => {
    const { proxy, connect } = await peers();
    const { near, far } = await connect();
    proxy.set("both", { stall: true });
    const large = Buffer.alloc(12 << 20, "stalled ");
    near.socket.write(large);
    // The proxy takes some and then makes the sender wait, as a network does.
    await until(() => near.socket.bytesWritten > 0);
    expect(near.socket.writableNeedDrain).toBe(true);
    expect(far.received.length).toBe(0);
    proxy.heal();
    expect((await far.untilReceived(large.length)).equals(large)).toBe(true);
    expect(proxy.counts.resets).toBe(0);
  });

  test("half-open swallows one direction without a word, and healing resets", async () => {
    const { proxy, connect } = await peers();
    const { near, far } = await connect();
    proxy.set("down", { halfOpen: true });
    far.socket.write(hello);
    near.socket.write(hello);
    await far.untilReceived(hello.length);
    await until(() => proxy.counts.down.swallowedBytes === hello.length);
    expect(near.received.length).toBe(0);
    expect(near.closed || near.ended).toBe(false);
    // Not even the death of the peer is heard.
    far.socket.resetAndDestroy();
    await until(() => far.closed);
    near.socket.write(hello);
    expect(near.closed || near.ended).toBe(false);
    proxy.heal();
    await until(() => near.closed);
    expect(near.error?.code).toBe("ECONNRESET");
  });

  test("a partition is silent, for new connections too, until it heals", async () => {
    const { proxy, connect: open } = await peers();
    const { near } = await open();
    proxy.partition();
    near.socket.write(hello);
    const late = new Watched(connect(proxy.port, "127.0.0.1"));
    onTestFinished(() => void late.socket.destroy());
    await once(late.socket, "connect");
    late.socket.write(hello);
    await until(() => proxy.counts.up.swallowedBytes === hello.length);
    expect([near.closed, late.closed, proxy.counts.connections]).toEqual([false, false, 1]);
    proxy.heal();
    await until(() => near.closed && late.closed);
    const again = await open();
    again.near.socket.write(hello);
    await again.far.untilReceived(hello.length);
  });

  test("a cut resets both ends, and a closed door refuses", async () => {
    const { proxy, connect: open } = await peers();
    const pairs = [await open(), await open()];
    expect(proxy.cut()).toBe(2);
    await until(() => pairs.every(({ near, far }) => near.closed && far.closed));
    expect(pairs.map(({ near, far }) => [near.error?.code, far.error?.code])).toEqual([
      ["ECONNRESET", "ECONNRESET"],
      ["ECONNRESET", "ECONNRESET"],
    ]);
    proxy.door = "refusing";
    const refused = new Watched(connect(proxy.port, "127.0.0.1"));
    await until(() => refused.closed);
    expect(proxy.counts).toMatchObject({ resets: 2, refused: 1, connections: 2 });
    expect(proxy.open).toBe(0);
  });

  test("resets after so many bytes, which arrive", async () => {
    const { proxy, connect } = await peers();
    proxy.set("up", { resetAfterBytes: 100_000 });
    const { near, far } = await connect();
    near.socket.write(Buffer.alloc(250_000));
    await until(() => near.closed && far.closed);
    expect(far.received.length).toBe(100_000);
    expect(proxy.counts.up.forwardedBytes).toBe(100_000);
  });

  test("changes bytes after an offset, about as many as asked", async () => {
    const { proxy, connect } = await peers();
    proxy.set("up", { corrupt: { probability: 0.001, afterBytes: 50_000 } });
    const { near, far } = await connect();
    near.socket.write(Buffer.alloc(200_000));
    const received = await far.untilReceived(200_000);
    const places = [...received.entries()].filter(([, byte]) => byte !== 0).map(([i]) => i);
    expect(proxy.counts.up.corruptedBytes).toBe(places.length);
    expect(Math.min(...places)).toBeGreaterThanOrEqual(50_000);
    // 150 expected, standard deviation 12.
    expect(places.length).toBeGreaterThan(80);
    expect(places.length).toBeLessThan(220);
  });

  test("lets a function of one's own change what passes", async () => {
    const { proxy, connect } = await peers();
    proxy.tamper("up", () => (chunk) => void chunk.fill("x"));
    const { near, far } = await connect();
    near.socket.write("abc");
    expect((await far.untilReceived(3)).toString()).toBe("xxx");
  });
});
