import { describe, expect, test } from "vitest";
import { ON_POLICY_COLUMNS } from "../../src/config/on-policy.ts";
import type { UnrollFrame, UnrollShape } from "../../src/protocol.ts";
import { refuseUnroll } from "../../src/replay/unroll-check.ts";
import { encodeUnroll, UnrollDecoder } from "../../src/replay/unroll-codec.ts";
import {
  allocateInProcess,
  InProcessActorLink,
  InProcessLearnerLink,
} from "../../src/transport/in-process.ts";
import { onPolicyRun, turnRuleIn, unrollShapeIn } from "../../src/transport/on-policy-run.ts";
import { SharedMailbox } from "../../src/transport/shared-mailbox.ts";
import { shape as plain, frameOf as plainFrameOf } from "./unrolls.ts";

const shape: UnrollShape = { ...plain, extras: ON_POLICY_COLUMNS, freeActions: true };
const limits = { ...shape, capacity: 100 };

function frameOf(seed: number, length = 3): UnrollFrame {
  const frame = plainFrameOf(seed, length);
  const extras = {
    log_probs: Float32Array.from({ length }, (_, t) => -seed - t),
    values: Float32Array.from({ length: length + 1 }, (_, t) => seed + t / 8),
  };
  return { ...frame, unroll: { ...frame.unroll, extras } };
}

describe("extra columns of unrolls", () => {
  test("pass through a mailbox, at any length", () => {
    const mailbox = new SharedMailbox(SharedMailbox.allocate(shape, 2, 0));
    for (const length of [1, 4, 2, 3]) {
      const frame = frameOf(length, length);
      expect(mailbox.write(frame)).toBe(true);
      expect(structuredClone(mailbox.peek())).toEqual(frame);
      mailbox.release();
    }
  });

  test("pass through a payload, with the end of a turn", () => {
    const { unroll } = frameOf(2);
    for (const endsTurn of [true, false]) {
      const decoded = new UnrollDecoder(shape).decode(encodeUnroll(unroll, shape, endsTurn), 0);
      expect(decoded).toEqual({ unroll, endsTurn });
    }
  });

  test("are skipped by who does not ask for them, and missed by who does", () => {
    const { unroll } = frameOf(2);
    const { extras: _, ...without } = unroll;
    const decoded = new UnrollDecoder(plain).decode(encodeUnroll(unroll, shape), 0);
    expect(decoded.unroll).toEqual(without);
    const missing = new UnrollDecoder(shape).decode(encodeUnroll(without, plain), 0);
    expect(missing.refusal).toMatchObject({ reason: "dtype", message: /log_probs is missing/ });
  });

  test("are refused when missing, of another length or not finite", () => {
    const { unroll } = frameOf(0);
    const change = (extras: Record<string, Float32Array>) =>
      refuseUnroll({ ...unroll, extras: { ...unroll.extras, ...extras } }, limits);
    expect(refuseUnroll(unroll, limits)).toBeNull();
    expect(refuseUnroll({ ...unroll, extras: {} }, limits)).toBe("dtype");
    expect(change({ values: new Float32Array(3) })).toBe("shape");
    expect(change({ log_probs: Float32Array.of(0, Number.NaN, 0) })).toBe("non-finite");
  });

  test("go with actions outside of [-1, 1], which others may not have", () => {
    const { unroll } = frameOf(3);
    expect(refuseUnroll(unroll, limits)).toBeNull();
    expect(refuseUnroll(unroll, { ...limits, freeActions: false })).toBe("action-range");
  });

  test("are described to other machines as they are", () => {
    const { observationSize, actionSize, unrollLength } = shape;
    const rule = { ahead: 2, holdsFrames: true };
    const run = {
      shape: { observationSize, actionSize, unrollLength, frameStack: 0 },
      onPolicy: onPolicyRun(shape, rule),
    };
    expect(unrollShapeIn(run)).toEqual(shape);
    expect(turnRuleIn(run)).toEqual(rule);
    expect(onPolicyRun(plain, undefined)).toBeUndefined();
    expect(unrollShapeIn({ ...run, onPolicy: undefined })).toEqual(plain);
  });
});

describe("taking the policy that grants a turn", () => {
  const open = () => {
    const memory = allocateInProcess({
      ...{ actors: 1, shape: plain, parameterCount: 1, slotsPerActor: 1, snapshotBytes: 0 },
    });
    const learner = new InProcessLearnerLink(memory);
    const publish = (version: number) =>
      learner.publish({
        ...{ version, turn: version + 2 },
        parameters: Float32Array.of(version),
        normalizer: new Float32Array(6),
      });
    return { actor: new InProcessActorLink(memory, 0), publish };
  };

  test("gives the one before the newest when that was meant for it, then the newest", () => {
    const { actor, publish } = open();
    publish(0);
    publish(1);
    expect(actor.takePolicy(2)).toMatchObject({ version: 0, parameters: Float32Array.of(0) });
    expect(actor.takePolicy(2)).toBeUndefined();
    expect(actor.takePolicy(3)).toMatchObject({ version: 1, parameters: Float32Array.of(1) });
    expect(actor.takePolicy(4)).toBeUndefined();
  });

  test("gives the newest to who asks for no turn", () => {
    const { actor, publish } = open();
    publish(0);
    publish(1);
    expect(actor.takePolicy()?.version).toBe(1);
    expect(actor.takePolicy()).toBeUndefined();
  });
});
