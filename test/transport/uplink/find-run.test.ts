import { type AddressInfo, createServer } from "node:net";
import { status } from "@grpc/grpc-js";
import { describe, expect, type TestContext, test } from "vitest";
import type { TlsIdentity } from "../../../src/transport/tls.ts";
import { LearnerChannel } from "../../../src/transport/uplink/channel.ts";
import { findRun } from "../../../src/transport/uplink/find-run.ts";
import { freePort } from "../../free-port.ts";
import { identity, openAuthority } from "../tls/identities.ts";
import { type LearnerScript, ScriptedLearner } from "./scripted-learner.ts";

interface FindWish {
  readonly giveUpAfterMs?: number;
  readonly tls?: TlsIdentity;
}

function find(
  context: TestContext,
  address: string,
  { giveUpAfterMs = Infinity, tls }: FindWish = {},
) {
  const channel = new LearnerChannel(address, tls);
  context.onTestFinished(() => channel[Symbol.dispose]());
  const waits: string[] = [];
  const calls: string[] = [];
  const stop = new AbortController();
  const found = findRun({
    ...{ channel, giveUpAfterMs, signal: stop.signal },
    random: () => 0.5,
    onWait: (message) => waits.push(message),
    onCallEnd: (code) => calls.push(code),
  });
  found.catch(() => undefined);
  return { found, waits, calls, stop };
}

async function findWith(context: TestContext, script: LearnerScript) {
  const learner = await ScriptedLearner.open(context, script);
  return find(context, learner.address);
}

describe("findRun", () => {
  test("waits for a learner that is not there yet, and says so once", async (context) => {
    const learner = await ScriptedLearner.open(context, {}, await freePort());
    learner.close();
    const { found, waits, calls } = find(context, learner.address);
    while (calls.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    await ScriptedLearner.open(context, {}, learner.port);
    expect(await found).toMatchObject({ run: { runId: "run", term: 1 }, envOptions: {} });
    expect(waits).toEqual([expect.stringContaining("nobody listens")]);
    expect(calls.at(-1)).toBe("OK");
  });

  test("asks again over TLS when connections break before they are secure", async (context) => {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    context.onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const tls = await identity(await openAuthority(), "actor");
    const { waits, calls, stop } = find(context, `localhost:${port}`, { tls });
    while (calls.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    expect(waits).toContainEqual(expect.stringContaining("before it was secure"));
  });

  test.for([
    [status.FAILED_PRECONDITION, "you speak protocol 1, the learner 2"],
    [status.PERMISSION_DENIED, "a viewer may not act"],
    [status.UNIMPLEMENTED, "no such method"],
  ] as const)("does not ask again after status %i", async ([code, details], context) => {
    const { found, calls } = await findWith(context, { runFailure: { code, details } });
    await expect(found).rejects.toMatchObject({
      code: "LEARNER_REFUSED",
      message: expect.stringContaining(details),
    });
    expect(calls).toEqual([status[code]]);
  });

  test.for([
    [{ shape: undefined }],
    [{ shape: { observationSize: 0, actionSize: 1, unrollLength: 1, frameStack: 0 } }],
    [{ shape: { observationSize: 1 << 20, actionSize: 1, unrollLength: 1 << 10, frameStack: 0 } }],
    [{ envsPerActor: 0 }],
    [{ parameterCount: 2 ** 31 }],
    [{ stepTimeoutSeconds: 0 }],
    [{ envOptionsJson: "{" }],
    [{ envOptionsJson: "[]" }],
  ])("does not believe %j", async ([run], context) => {
    const { found } = await findWith(context, { run: run as object });
    await expect(found).rejects.toMatchObject({ code: "LEARNER_REFUSED" });
  });

  test("can be stopped, and gives up", async (context) => {
    const stopped = find(context, "127.0.0.1:1");
    stopped.stop.abort();
    expect(await stopped.found).toBeUndefined();
    const { found } = find(context, "127.0.0.1:1", { giveUpAfterMs: 150 });
    await expect(found).rejects.toMatchObject({ code: "LEARNER_LOST" });
  });
});
