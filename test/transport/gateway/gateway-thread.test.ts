import { createServer } from "node:net";
import { credentials } from "@grpc/grpc-js";
import { expect, test, vi } from "vitest";
import { GatewayThread } from "../../../dist/transport/gateway/gateway-thread.js";
import type { GatewayEvent } from "../../../src/transport/gateway/gateway-task.ts";
import { ActorServiceClient } from "../../../src/transport/generated/troupe/v1/actor.ts";
import {
  ControlServiceClient,
  type GetStatusResponse,
} from "../../../src/transport/generated/troupe/v1/control.ts";
import { SharedMailbox } from "../../../src/transport/shared-mailbox.ts";
import { frameOf, poll, RawActor, run, setupOf } from "./harness.ts";

// A thread's start alone takes about a second on a busy machine.
const TIMEOUT_MS = 60_000;

test(
  "the gateway's thread serves calls, hands over frames and closes in good order",
  async () => {
    const progress = { envSteps: 300, learnerSteps: 200, limiter: undefined };
    const setup = setupOf({ durability: "log", setup: { progress } });
    const events: GatewayEvent[] = [];
    await using thread = new GatewayThread(setup, (event) => events.push(event));
    const { ports } = await thread.ready();
    const client = new ActorServiceClient(`127.0.0.1:${ports[0]}`, credentials.createInsecure());
    const told = await new Promise((resolve, reject) =>
      client.getRun({ protocolVersion: 1 }, (error, response) =>
        error ? reject(error) : resolve(response),
      ),
    );
    expect(told).toEqual(run);
    // Nobody who looks in before the learner's first report takes a run that was resumed for a new one.
    const control = new ControlServiceClient(`127.0.0.1:${ports[0]}`, credentials.createInsecure());
    const status = () =>
      new Promise<GetStatusResponse>((resolve, reject) =>
        control.getStatus({}, (error, response) => (error ? reject(error) : resolve(response))),
      );
    expect(await status()).toMatchObject({ envSteps: 300, learnerSteps: 200, limiter: undefined });
    thread.report({ ...progress, envSteps: 308 });
    await vi.waitFor(async () => expect(await status()).toMatchObject({ envSteps: 308 }), 20_000);
    const actor = new RawActor(client.session());
    await actor.join();
    actor.send(frameOf(0));
    const queue = new SharedMailbox(setup.queue);
    await poll(() => queue.peek()?.sequence === 0, "the frame");
    queue.release();
    await actor.wait("acknowledgement", ({ durable, sendLimit }) => durable === 1 && sendLimit > 2);
    await thread.close({ kind: "finished", message: "done", graceMs: 20_000 });
    await thread.finished;
    await poll(() => actor.end === "end", "the end of the call");
    expect(actor.last("notice")).toMatchObject({ message: "done" });
    const metrics = events.flatMap((event) => (event.type === "metrics" ? event.update : []));
    expect(metrics).toContainEqual(
      expect.objectContaining({ name: "troupe_trajectory_received_total", value: 1 }),
    );
    client.close();
    control.close();
  },
  TIMEOUT_MS,
);

test(
  "a port that is in use is the code that ready rejects with",
  async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await poll(() => blocker.listening, "the port");
    const { port } = blocker.address() as { port: number };
    const setup = setupOf({ setup: { listen: [{ host: "127.0.0.1", port, tls: undefined }] } });
    await using thread = new GatewayThread(setup, () => undefined);
    await expect(thread.ready()).rejects.toMatchObject({ code: "PORT_IN_USE" });
    blocker.close();
  },
  TIMEOUT_MS,
);
