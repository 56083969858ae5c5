import { LOG_PROBS, VALUES } from "../../../src/config/on-policy.ts";
import type { UnrollFrame } from "../../../src/protocol.ts";
import type { Turn } from "../../../src/replay/turn-queue.ts";

export interface FrameFields {
  readonly actor?: number;
  readonly env?: number;
  readonly version?: number;
  readonly incarnation?: number;
  readonly endsTurn?: boolean;
  readonly rewards?: readonly number[];
  /** One more than rewards. */
  readonly values?: readonly number[];
  readonly logProbs?: readonly number[];
  readonly end?: "terminated" | "truncated";
}

/** A frame with one number in each observation and action: 10 t, and t. */
export function frameOf(fields: FrameFields = {}): UnrollFrame {
  const { actor = 0, env = 0, version = 0, incarnation = 1, endsTurn = true } = fields;
  const { rewards = [1, 0, 2], end } = fields;
  const length = rewards.length;
  const last = Uint8Array.from(rewards, (_, t) => (t === length - 1 ? 1 : 0));
  return {
    unroll: {
      ...{ actor, env, length },
      observations: Float32Array.from({ length: length + 1 }, (_, t) => 10 * t),
      actions: Float32Array.from(rewards, (_, t) => t),
      rewards: Float32Array.from(rewards),
      terminated: end === "terminated" ? last : new Uint8Array(length),
      truncated: end === "truncated" ? last : new Uint8Array(length),
      policyVersions: new Int32Array(length).fill(version),
      extras: {
        [LOG_PROBS]: Float32Array.from(fields.logProbs ?? rewards.map(() => -1)),
        [VALUES]: Float32Array.from(fields.values ?? [...rewards, 0].map(() => 0)),
      },
    },
    ...{ incarnation, sequence: 0, endsTurn, snapshot: new Uint8Array(0) },
  };
}

export function turnOf(...frames: readonly FrameFields[]): Turn {
  const all = frames.map(frameOf);
  return {
    actor: all[0]?.unroll.actor ?? 0,
    frames: all,
    steps: all.reduce((sum, { unroll }) => sum + unroll.length, 0),
    policyVersion: all[0]?.unroll.policyVersions[0] ?? 0,
  };
}
