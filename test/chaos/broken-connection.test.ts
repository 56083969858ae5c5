import { expect, onTestFinished, test } from "vitest";
import { LearnerChannel } from "../../src/transport/uplink/channel.ts";
import { ScriptedLearner } from "../transport/uplink/scripted-learner.ts";
import { ChaosProxy } from "./proxy.ts";

test("who has been answered is told of a broken connection, and not of TLS", async (context) => {
  const learner = await ScriptedLearner.open(context);
  const target = { host: "127.0.0.1", port: learner.port };
  const proxy = await ChaosProxy.listen({ target, seed: 1 });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const ask = (channel: LearnerChannel) => channel.getRun(new AbortController().signal);
  const known = new LearnerChannel(`127.0.0.1:${proxy.port}`, undefined);
  const stranger = new LearnerChannel(`127.0.0.1:${proxy.port}`, undefined);
  onTestFinished(() => {
    for (const channel of [known, stranger]) channel[Symbol.dispose]();
  });
  await ask(known);
  proxy.door = "refusing";
  proxy.cut();
  const failures = await Promise.all(
    [known, stranger].map((channel) =>
      ask(channel).then(
        () => "answered",
        (error: Error) => channel.explain(error).message,
      ),
    ),
  );
  expect(failures).toEqual([
    `the connection to 127.0.0.1:${proxy.port} broke`,
    expect.stringContaining("it probably wants TLS"),
  ]);
});
