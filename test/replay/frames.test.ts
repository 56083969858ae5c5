import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { EnvStream } from "../../src/actors/env-stream.ts";
import { RandomStream } from "../../src/math/random.ts";
import type { Unroll } from "../../src/protocol.ts";
import { ReplayArchive } from "../../src/replay/archive.ts";
import { replayBytes } from "../../src/replay/memory.ts";
import { Replay, type ReplayOptions } from "../../src/replay/replay.ts";
import { guaranteedSize } from "../../src/replay/ring.ts";
import { encodeUnroll, UnrollDecoder } from "../../src/replay/unroll-codec.ts";
import { SharedMailbox } from "../../src/transport/shared-mailbox.ts";
import { CountingCamera } from "../envs/counting-camera.ts";

const root = mkdtempSync(join(tmpdir(), "troupe-frames-"));
afterAll(() => rmSync(root, { recursive: true }));

const STACK = 3;
const OPTIONS: ReplayOptions = {
  capacity: 24,
  observationSize: 2,
  frameStack: STACK,
  actionSize: 1,
  unrollLength: 4,
  sampling: { kind: "uniform" },
  batchSize: 32,
  nSteps: 2,
  gamma: 0.9,
};

/** Unrolls of a camera whose episodes have the given lengths; the reward of a step is its number. */
function record(episodes: readonly number[], unrollLength = OPTIONS.unrollLength) {
  const env = new CountingCamera(episodes);
  const stream = new EnvStream({ env, actor: 1, index: 0, unrollLength });
  stream.begin(0);
  const unrolls: Unroll[] = [];
  const cut = (): void => {
    const unroll = stream.cut();
    if (unroll) unrolls.push(unroll);
  };
  const steps = episodes.reduce((sum, length) => sum + length, 0);
  for (let t = 0; t < steps; t++) {
    const end = stream.advance(Float32Array.of(0), t);
    if (end || stream.collected === unrollLength) cut();
    if (end && t < steps - 1) stream.nextEpisode();
  }
  cut();
  return { unrolls, seen: env.seen };
}

const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 });

function fill(unrolls: readonly Unroll[], options = OPTIONS): Replay {
  const replay = new Replay(options);
  for (const unroll of unrolls) expect(replay.insert(unroll)).toBeNull();
  return replay;
}

describe("frames", () => {
  test("stacks drawn from replay are what the environment showed, over episodes' ends and the ring's seam", () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 6 }), (episodes, unrollLength) => {
        const { unrolls, seen } = record(episodes, unrollLength);
        const replay = fill(unrolls, { ...OPTIONS, unrollLength });
        const batch = replay.createBatch();
        replay.sample(batch, RandomStream.derive(1));
        const width = STACK * OPTIONS.observationSize;
        for (let b = 0; b < batch.size; b++) {
          const step = batch.policyVersions[b] ?? -1;
          const next = step + (batch.lengths[b] ?? 0) - 1;
          const rows = (column: typeof batch.observations): number[] => [
            ...column.subarray(b * width, (b + 1) * width),
          ];
          expect(rows(batch.observations)).toEqual(seen[step]?.before);
          expect(rows(batch.nextObservations)).toEqual(seen[next]?.after);
        }
      }),
    );
  });

  test("are in an unroll once: T + 1, and those the first step looks back on", () => {
    const { unrolls } = record([6]);
    expect(unrolls.map(({ observations }) => observations.length / 2)).toEqual([7, 5]);
    const first = unrolls[0]?.observations ?? [];
    expect([...first.slice(0, 6)]).toEqual([0, 1, 0, 1, 0, 1]);
  });

  test("travel unchanged through a mailbox and as bytes", () => {
    const { unrolls } = record([3, 7, 1]);
    const mailbox = new SharedMailbox(SharedMailbox.allocate(OPTIONS, 2, 0));
    const decoder = new UnrollDecoder(OPTIONS);
    for (const unroll of unrolls) {
      const frame = { unroll, incarnation: 0, sequence: 0, endsTurn: false };
      mailbox.write({ ...frame, snapshot: new Uint8Array(0) });
      const arrived = mailbox.peek()?.unroll;
      expect(arrived && structuredClone(arrived)).toEqual(unroll);
      mailbox.release();
      const decoded = decoder.decode(encodeUnroll(unroll, OPTIONS), unroll.actor).unroll;
      expect(decoded && { ...decoded, extras: {} }).toEqual({ ...unroll, extras: {} });
    }
  });

  test("of the wrong type or number are refused", () => {
    const [unroll] = record([3]).unrolls;
    if (!unroll) throw new Error("no unroll");
    const replay = new Replay(OPTIONS);
    const numbers = Float32Array.from(unroll.observations);
    expect(replay.insert({ ...unroll, observations: numbers })).toBe("dtype");
    const fewer = unroll.observations.subarray(2);
    expect(replay.insert({ ...unroll, observations: fewer })).toBe("shape");
    const { frameStack: _, ...plain } = OPTIONS;
    expect(new Replay(plain).insert(unroll)).toBe("dtype");
  });

  test("come back from an archive with the same digest, however often the ring went round", () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 4 }), (episodes, laps) => {
        const replay = fill(
          record(Array.from({ length: 4 * laps }, () => episodes).flat()).unrolls,
        );
        const folder = mkdtempSync(join(root, "archive-"));
        const { state } = new ReplayArchive(folder).save(replay);
        const restored = new ReplayArchive(folder).restore(OPTIONS, structuredClone(state));
        expect(restored.digest()).toBe(replay.digest());
      }),
    );
  });

  test("are refused by a replay of other stacks", () => {
    const folder = mkdtempSync(join(root, "archive-"));
    const { state } = new ReplayArchive(folder).save(fill(record([5]).unrolls));
    const other = { ...OPTIONS, frameStack: 2 };
    const restore = (): Replay => new ReplayArchive(folder).restore(other, structuredClone(state));
    expect(restore).toThrow(/frameStack 3, not 2/);
  });

  test("are counted as bytes, and the ring keeps what it promises", () => {
    const shape = { ...OPTIONS, capacity: 1000, observationSize: 84 * 84 * 3, unrollLength: 50 };
    const bytes = replayBytes(shape);
    expect(bytes / (1000 * shape.observationSize)).toBeGreaterThan(1);
    expect(bytes / (1000 * shape.observationSize)).toBeLessThan(1.25);
    fc.assert(
      fc.property(lengths, (episodes) => {
        const replay = fill(record([...episodes, ...episodes, 9, 9, 9, 9, 9]).unrolls);
        expect(replay.size).toBeGreaterThanOrEqual(
          Math.min(guaranteedSize(OPTIONS), replay.counters.inserted),
        );
      }),
    );
  });
});
