import { once } from "node:events";
import { type ClientReadableStream, status } from "@grpc/grpc-js";
import { crc32c } from "@node-rs/crc32";
import { describe, expect, test } from "vitest";
import { MetricsRecorder } from "../../../src/metrics/recorder.ts";
import { PolicyFeed } from "../../../src/transport/gateway/policy-feed.ts";
import { PolicySource } from "../../../src/transport/gateway/policy-source.ts";
import type { GetPolicyResponse } from "../../../src/transport/generated/troupe/v1/actor.ts";
import { PolicyBoard } from "../../../src/transport/policy-board.ts";
import { Harness, poll, run } from "./harness.ts";

const OBSERVATIONS = 3;

function publish(board: PolicyBoard, version: number): void {
  board.publish({
    version,
    turn: 0,
    parameters: new Float32Array(board.memory.parameterCount).fill(version),
    normalizer: Float32Array.from({ length: 2 * OBSERVATIONS }, (_, i) => i),
  });
}

async function receive(call: ClientReadableStream<GetPolicyResponse>) {
  const slices: GetPolicyResponse[] = [];
  call.on("data", (slice: GetPolicyResponse) => slices.push(slice));
  await once(call, "end");
  return { slices, bytes: Buffer.concat(slices.map(({ data }) => data)) };
}

describe("GetPolicy", () => {
  test("waits for the first policy and sends it in slices with one checksum", async () => {
    const parameterCount = 200_000;
    await using harness = await Harness.open({ run: { parameterCount } });
    const board = new PolicyBoard(harness.setup.board);
    const call = harness.client.getPolicy({ runId: run.runId, havePublication: 0 });
    const received = receive(call);
    publish(board, 5);
    const { slices, bytes } = await received;
    const total = 4 * (parameterCount + 2 * OBSERVATIONS);
    expect(slices.length).toBe(Math.ceil(total / (256 * 1024)));
    expect(slices.map(({ offset }) => offset)).toEqual(slices.map((_, i) => i * 256 * 1024));
    const head = {
      publication: 1,
      term: 1,
      version: 5,
      totalBytes: total,
      checksum: crc32c(bytes),
    };
    for (const slice of slices) expect(slice).toMatchObject(head);
    const floats = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + total));
    expect([floats[0], floats[parameterCount - 1]]).toEqual([5, 5]);
    expect([...floats.subarray(parameterCount)]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("sends the newest only, and waits for a later one", async () => {
    await using harness = await Harness.open();
    const board = new PolicyBoard(harness.setup.board);
    for (const version of [1, 2, 3]) publish(board, version);
    const ask = (havePublication: number) =>
      receive(harness.client.getPolicy({ runId: "", havePublication }));
    expect((await ask(0)).slices).toMatchObject([{ publication: 3, version: 3 }]);
    // A number from before the learner's start.
    expect((await ask(70)).slices).toMatchObject([{ publication: 3 }]);
    let isThere = false;
    const later = ask(3).then((policy) => {
      isThere = true;
      return policy;
    });
    await ask(0);
    expect(isThere).toBe(false);
    publish(board, 4);
    expect((await later).slices).toMatchObject([{ publication: 4, version: 4 }]);
  });

  test("is refused for another run, and told when the learner stops", async () => {
    await using harness = await Harness.open();
    const failure = async (call: ClientReadableStream<GetPolicyResponse>) => {
      call.on("data", () => undefined);
      const [error] = (await once(call, "error").catch((thrown) => [thrown])) as [{ code: number }];
      return error.code;
    };
    const other = harness.client.getPolicy({ runId: "other", havePublication: 0 });
    expect(await failure(other)).toBe(status.FAILED_PRECONDITION);
    const waiting = failure(harness.client.getPolicy({ runId: "", havePublication: 0 }));
    // Once this is answered, the call before it has arrived.
    await harness.join();
    await harness.host.close({ kind: "draining", message: "", graceMs: 500 });
    expect(await waiting).toBe(status.UNAVAILABLE);
  });

  test("brings 10 MB to several subscribers at once, whole", async () => {
    const parameterCount = 2_500_000;
    await using harness = await Harness.open({ run: { parameterCount } });
    const calls = Array.from({ length: 8 }, () =>
      receive(harness.client.getPolicy({ runId: "", havePublication: 0 })),
    );
    publish(new PolicyBoard(harness.setup.board), 1);
    const policies = await Promise.all(calls);
    for (const { bytes, slices } of policies) expect(crc32c(bytes)).toBe(slices[0]?.checksum);
  });
});

/** A subscriber that takes what it is asked to. */
class Subscriber {
  readonly cancelled = false;
  readonly publications = new Set<number>();
  bytes = 0;
  ended = false;
  /** Messages it takes before it says to wait. */
  appetite = 0;
  #drain: () => void = () => undefined;

  write(message: Buffer): boolean {
    this.bytes += message.length;
    this.appetite--;
    return this.appetite > 0;
  }

  end(): void {
    this.ended = true;
  }

  on(event: string, listener: () => void): void {
    if (event === "drain") this.#drain = listener;
  }

  emit(): void {}

  eat(messages: number): void {
    this.appetite = messages;
    this.#drain();
  }
}

describe("PolicyFeed", () => {
  const open = (parameterCount: number) => {
    const board = new PolicyBoard(PolicyBoard.allocate(parameterCount, OBSERVATIONS));
    const feed = new PolicyFeed(new PolicySource(board.memory, 1), new MetricsRecorder());
    return { board, feed };
  };

  test("sends large policies to 32 subscribers at a time, and those after them the newest", async () => {
    const { board, feed } = open(3_000_000);
    publish(board, 1);
    const subscribers = Array.from({ length: 40 }, () => new Subscriber());
    for (const subscriber of subscribers) feed.subscribe(subscriber, 0);
    expect(subscribers.filter(({ bytes }) => bytes > 0).length).toBe(32);
    publish(board, 2);
    // What was begun is completed.
    subscribers[0]?.eat(Infinity);
    expect(subscribers[0]?.ended).toBe(true);
    expect(subscribers.filter(({ bytes }) => bytes > 0).length).toBe(33);
    for (const subscriber of subscribers) subscriber.eat(Infinity);
    for (const subscriber of subscribers) subscriber.eat(Infinity);
    await poll(() => subscribers.every(({ ended }) => ended), "every subscriber to have a policy");
    expect(feed.size).toBe(0);
  });

  test("writes no more to a subscriber than it takes", () => {
    const { board, feed } = open(3_000_000);
    publish(board, 1);
    const subscriber = new Subscriber();
    subscriber.appetite = 3;
    feed.subscribe(subscriber, 0);
    expect(subscriber.bytes).toBeLessThan(4 * 256 * 1024);
    expect(subscriber.ended).toBe(false);
    subscriber.eat(Infinity);
    expect(subscriber.ended).toBe(true);
  });
});
