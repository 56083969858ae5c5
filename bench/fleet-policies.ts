/**
 * Subscribers of policies, in a process of their own: each has its own connection and asks for the next
 * policy when it has the last. Prints a line of JSON for each policy that arrived whole.
 *
 *     node bench/dist/bench/fleet-policies.js --learner HOST:PORT --subscribers 32
 */
import { parseArgs } from "node:util";
import type {
  GetPolicyResponse,
  GetRunResponse,
} from "../src/transport/generated/troupe/v1/actor.ts";
import { LearnerChannel } from "../src/transport/uplink/channel.ts";
import { PolicyTransfer } from "../src/transport/uplink/policy-transfer.ts";

/** A whole policy at a subscriber. */
export interface PolicyArrival {
  readonly publication: number;
  /** Unix time in milliseconds, with fractions. */
  readonly at: number;
}

async function subscribe(learner: string): Promise<never> {
  const channel = new LearnerChannel(learner, undefined);
  const run = await describe(channel);
  const transfer = new PolicyTransfer(run.parameterCount, run.shape?.observationSize ?? 0);
  for (let have = 0; ; ) {
    transfer.begin();
    await new Promise<void>((resolve, reject) => {
      channel
        .getPolicy({ runId: run.runId, havePublication: have })
        .on("data", (slice: GetPolicyResponse) => {
          const wrong = transfer.add(slice);
          if (wrong !== undefined) reject(new Error(wrong));
        })
        .on("error", reject)
        .on("end", resolve);
    });
    const policy = transfer.finish();
    if (typeof policy === "string") throw new Error(policy);
    have = policy.publication;
    const arrival: PolicyArrival = {
      publication: have,
      at: performance.timeOrigin + performance.now(),
    };
    console.log(JSON.stringify(arrival));
  }
}

/** Tries again: with all others connecting at once, a busy machine may take long to answer. */
async function describe(channel: LearnerChannel): Promise<GetRunResponse> {
  for (let left = 10; ; left--) {
    try {
      return await channel.getRun(new AbortController().signal);
    } catch (thrown) {
      if (left === 0) throw thrown;
    }
  }
}

const { values } = parseArgs({
  options: { learner: { type: "string" }, subscribers: { type: "string", default: "32" } },
});
const { learner } = values;
if (learner === undefined) throw new Error("--learner HOST:PORT is missing");
await Promise.all(Array.from({ length: Number(values.subscribers) }, () => subscribe(learner)));
