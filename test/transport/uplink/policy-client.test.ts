import { crc32c } from "@node-rs/crc32";
import { describe, expect, type TestContext, test } from "vitest";
import type { GetPolicyResponse } from "../../../src/transport/generated/troupe/v1/actor.ts";
import { PolicyBoard } from "../../../src/transport/policy-board.ts";
import { LearnerChannel } from "../../../src/transport/uplink/channel.ts";
import { type FetchedPolicy, PolicyClient } from "../../../src/transport/uplink/policy-client.ts";
import { freePort } from "../../free-port.ts";
import { ScriptedLearner } from "./scripted-learner.ts";
import { soon } from "./soon.ts";

const PARAMETERS = 1000;
const OBSERVATIONS = 3;

interface PolicyFields {
  readonly publication: number;
  readonly term?: number;
  readonly version?: number;
  readonly sliceBytes?: number;
}

/** Every number of policy k is k. */
function slicesOf({ publication, term = 1, version, sliceBytes = 1024 }: PolicyFields) {
  const values = new Float32Array(PARAMETERS + 2 * OBSERVATIONS).fill(publication);
  const bytes = Buffer.from(values.buffer);
  const slices: GetPolicyResponse[] = [];
  for (let offset = 0; offset < bytes.length; offset += sliceBytes) {
    slices.push({
      ...{ publication, term, offset, turn: 0 },
      version: version ?? 10 * publication,
      totalBytes: bytes.length,
      checksum: crc32c(bytes),
      data: bytes.subarray(offset, offset + sliceBytes),
    });
  }
  return slices;
}

function clientOf(context: TestContext, learner: ScriptedLearner, intervalMs = 0) {
  const channel = new LearnerChannel(learner.address, undefined);
  const board = new PolicyBoard(PolicyBoard.allocate(PARAMETERS, OBSERVATIONS));
  const fetched: FetchedPolicy[] = [];
  const failures: string[] = [];
  const client = new PolicyClient({
    ...{ channel, board, intervalMs },
    runId: "run",
    random: () => 0.5,
    onPolicy: (policy) => fetched.push(policy),
    onFailure: (reason, message) => failures.push(`${reason}: ${message}`),
    onCallEnd: () => undefined,
  });
  const done = client.run();
  context.onTestFinished(async () => {
    client.stop();
    await done;
    channel[Symbol.dispose]();
  });
  const read = () => {
    const out = {
      parameters: new Float32Array(PARAMETERS),
      normalizer: new Float32Array(2 * OBSERVATIONS),
    };
    return board.read(out);
  };
  return { fetched, failures, read, board };
}

describe("PolicyClient", () => {
  test("takes over each new policy and asks for a later one", async (context) => {
    const learner = await ScriptedLearner.open(context, {
      policy: (call) => (call < 3 ? slicesOf({ publication: call + 1 }) : undefined),
    });
    const { fetched, failures, read } = clientOf(context, learner);
    await soon(() => expect(learner.havePublications).toEqual([0, 1, 2, 3]));
    expect(fetched.map(({ version }) => version)).toEqual([10, 20, 30]);
    const policy = read();
    expect(policy?.version).toBe(30);
    expect([...(policy?.parameters ?? []), ...(policy?.normalizer ?? [])]).toEqual(
      Array(PARAMETERS + 2 * OBSERVATIONS).fill(3),
    );
    expect(failures).toEqual([]);
  });

  const damages: Readonly<Record<string, (slices: GetPolicyResponse[]) => GetPolicyResponse[]>> = {
    "a changed byte": ([first, ...rest]) => {
      const data = Buffer.from(first!.data);
      data[7]! ^= 1;
      return [{ ...first!, data }, ...rest];
    },
    "a missing slice": ([first, , ...rest]) => [first!, ...rest],
    "a missing end": (slices) => slices.slice(0, -1),
    "slices out of order": ([first, second, ...rest]) => [second!, first!, ...rest],
    "slices of two policies": ([first, ...rest]) => [
      first!,
      ...rest.map((slice) => ({ ...slice, publication: 9 })),
    ],
    "another length": (slices) => slices.map((slice) => ({ ...slice, totalBytes: 1e12 })),
    "too many bytes": (slices) => [
      ...slices.slice(0, -1),
      { ...slices.at(-1)!, data: Buffer.alloc(9999) },
    ],
  };

  test.for(Object.entries(damages))(
    "throws away %s and fetches again",
    async ([, damage], context) => {
      const learner = await ScriptedLearner.open(context, {
        policy: (call) => {
          const slices = slicesOf({ publication: 1 });
          if (call === 0) return damage(slices);
          return call === 1 ? slices : undefined;
        },
      });
      const { fetched, failures, read, board } = clientOf(context, learner);
      await soon(() => expect(fetched).toHaveLength(1));
      expect(failures).toEqual([expect.stringMatching(/^damaged: /)]);
      expect(board.published).toBe(1);
      expect(read()?.parameters[0]).toBe(1);
    },
  );

  test("follows a restarted learner, which counts and learns from further back", async (context) => {
    const first = {
      policy: (call: number) =>
        call === 0 ? slicesOf({ publication: 50, version: 500 }) : undefined,
    };
    const learner = await ScriptedLearner.open(context, first, await freePort());
    const { fetched, read } = clientOf(context, learner);
    await soon(() => expect(fetched).toHaveLength(1));
    await soon(() => expect(learner.havePublications).toEqual([0, 50]));
    learner.close();
    const restarted = await ScriptedLearner.open(
      context,
      {
        policy: (call) =>
          call === 0 ? slicesOf({ publication: 2, term: 2, version: 300 }) : undefined,
      },
      learner.port,
    );
    await soon(() => expect(read()?.version).toBe(300));
    await soon(() => expect(restarted.havePublications).toEqual([0, 2]));
  });

  test("is not led back by a learner of an earlier term", async (context) => {
    const learner = await ScriptedLearner.open(context, {
      policy: (call) =>
        [slicesOf({ publication: 1, term: 2 }), slicesOf({ publication: 9, term: 1 })][call],
    });
    const { fetched, read } = clientOf(context, learner);
    await soon(() => expect(learner.havePublications).toHaveLength(3));
    expect(fetched).toHaveLength(1);
    expect(read()?.parameters[0]).toBe(1);
  });

  test("leaves time between two fetches if told to", async (context) => {
    const learner = await ScriptedLearner.open(context, {
      policy: (call) => slicesOf({ publication: call + 1 }),
    });
    const start = performance.now();
    const { fetched } = clientOf(context, learner, 100);
    await soon(() => expect(fetched).toHaveLength(4));
    expect(performance.now() - start).toBeGreaterThan(290);
  });
});
