import fc from "fast-check";
import type { Unroll, UnrollFrame, UnrollShape } from "../../src/protocol.ts";

export const shape: UnrollShape = { observationSize: 3, actionSize: 2, unrollLength: 4 };

/** A frame whose numbers all depend on `seed`, so that mixed-up columns or rows show. */
export function frameOf(
  seed: number,
  length = shape.unrollLength,
  snapshot = new Uint8Array(0),
): UnrollFrame {
  const numbers = (count: number, salt: number) =>
    Float32Array.from({ length: count }, (_, i) => Math.fround(seed * 1000 + salt * 100 + i));
  const unroll: Unroll = {
    actor: 0,
    env: seed % 3,
    length,
    observations: numbers((length + 1) * shape.observationSize, 1),
    actions: numbers(length * shape.actionSize, 2),
    rewards: numbers(length, 3),
    terminated: Uint8Array.from({ length }, (_, i) => Number(i === length - 1 && seed % 2 === 0)),
    truncated: Uint8Array.from({ length }, (_, i) => Number(i === length - 1 && seed % 2 === 1)),
    policyVersions: Int32Array.from({ length }, (_, i) => seed + i - 1),
  };
  return { unroll, incarnation: 1, sequence: seed, endsTurn: seed % 5 === 0, snapshot };
}

/** A copy that outlives the mailbox's slot. */
export function copied(frame: UnrollFrame): UnrollFrame {
  return structuredClone(frame);
}

export const frames = fc
  .tuple(
    fc.nat(10_000),
    fc.integer({ min: 1, max: shape.unrollLength }),
    fc.uint8Array({ maxLength: 16 }),
  )
  .map(([seed, length, snapshot]) => frameOf(seed, length, Uint8Array.from(snapshot)));
