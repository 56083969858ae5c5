import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { RunError } from "../../../src/errors.ts";
import { RandomStream } from "../../../src/math/random.ts";
import type { Unroll } from "../../../src/protocol.ts";
import { ReplayArchive, type SavedReplay } from "../../../src/replay/archive.ts";
import { LogArchive } from "../../../src/replay/log/log-archive.ts";
import { isLogFile, listSealed, oldestListed } from "../../../src/replay/log/log-names.ts";
import { SealBarrier, type SealRequest } from "../../../src/replay/log/seal-barrier.ts";
import { Replay, type ReplayOptions } from "../../../src/replay/replay.ts";
import { LAP, type Sampling } from "../../../src/replay/sampler.ts";
import { encodeUnroll } from "../../../src/replay/unroll-codec.ts";
import { makeUnroll, OPTIONS, type UnrollPlan, unrollPlans } from "../make-unroll.ts";
import { join_, newFolder, type OpenedLog, openLog, root } from "./log-scenario.ts";

afterAll(() => rmSync(root, { recursive: true }));

/** The learner's wait is no part of these tests: the log is sealed before it asks. */
class SealedBarrier extends SealBarrier {
  readonly asked: SealRequest[] = [];

  constructor() {
    super(SealBarrier.allocate());
  }

  override seal(request: SealRequest): void {
    this.asked.push(request);
  }
}

function fromJson(saved: SavedReplay): unknown {
  return JSON.parse(JSON.stringify(saved.state));
}

/** Logs an unroll as the gateway does, and inserts it as the learner does. */
function deliver({ log }: OpenedLog, replay: Replay, unroll: Unroll): void {
  const payload = encodeUnroll(unroll, replay.options);
  log.append({ kind: "unroll", slot: unroll.actor, incarnation: 1, sequence: log.end, payload });
  expect(replay.insert(unroll)).toBeNull();
}

/** A learner's step. */
function learn(replay: Replay): void {
  const batch = replay.createBatch();
  const stream = RandomStream.derive(replay.ring.position.nextBlock);
  replay.sample(batch, stream, 0.5);
  replay.updatePriorities(
    batch,
    Float32Array.from(batch.returns, () => 5 * stream.normal()),
  );
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (thrown) {
    return RunError.from(thrown).code;
  }
  return "none";
}

const STRATEGIES: readonly Sampling[] = [{ kind: "uniform" }, LAP];

describe.each(STRATEGIES)("LogArchive with $kind sampling", (sampling) => {
  const options: ReplayOptions = { ...OPTIONS, sampling };

  test("restores every save bit for bit, and what came after it from the log", async () => {
    const runs = fc.array(unrollPlans(4, 9), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(runs, fc.nat(3), async (phases, ahead) => {
        const folder = newFolder();
        const archive = new LogArchive(folder, new SealedBarrier());
        const replay = new Replay(options);
        await using opened = await openLog(folder, { segmentBytes: 900 });
        opened.log.append(join_(0));
        let next = 0;
        for (const phase of phases) {
          for (const plan of phase) {
            deliver(opened, replay, makeUnroll(plan, next));
            next += plan.length + 1;
            learn(replay);
          }
          // What is in the log and not yet in replay.
          const behind = Array.from({ length: ahead }, (_, i) => {
            return makeUnroll({ length: 2, end: "none" }, next + 3 * i);
          });
          const cut = opened.log.end;
          for (const unroll of behind) {
            const payload = encodeUnroll(unroll, options);
            const id = { slot: unroll.actor, incarnation: 1, sequence: opened.log.end };
            opened.log.append({ kind: "unroll", ...id, payload });
          }
          await opened.log.rotate();
          const saved = archive.save(replay);
          const restored = new LogArchive(folder, new SealedBarrier()).restore(
            options,
            fromJson(saved),
          );
          expect(restored.digest()).toBe(replay.digest());
          expect(restored.ring.position.nextBlock).toBe(cut);
          for (const unroll of behind) replay.insert(unroll);
          next += 3 * ahead;
        }
      }),
      // Each run waits for the disk some dozens of times.
      { numRuns: 10 },
    );
  });
});

describe("LogArchive", () => {
  const options = OPTIONS;
  const plans = (count: number): UnrollPlan[] => {
    return Array.from({ length: count }, () => ({ length: 4, end: "none" as const }));
  };

  async function filled(folder: string, count: number): Promise<Replay> {
    const replay = new Replay(options);
    await using opened = await openLog(folder, { segmentBytes: 900 });
    opened.log.append(join_(0));
    for (const [i, plan] of plans(count).entries())
      deliver(opened, replay, makeUnroll(plan, 5 * i));
    await opened.log.rotate();
    return replay;
  }

  test("lists the log's segments that replay needs, and writes no unrolls itself", async () => {
    const folder = newFolder();
    const replay = await filled(folder, 12);
    const barrier = new SealedBarrier();
    const saved = new LogArchive(folder, barrier, { keptFrom: () => 3 }).save(replay);
    expect(barrier.asked).toEqual([{ endIndex: 12, releasedBelow: 3 }]);
    const { oldestBlock } = replay.ring.position;
    expect(oldestBlock).toBe(7);
    const sealed = listSealed(folder);
    expect(saved.files).toEqual(
      sealed
        .filter(({ end }) => end > oldestBlock)
        .map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 })),
    );
    expect(readdirSync(folder).every(isLogFile)).toBe(true);
    expect(oldestListed(saved.files.map(({ name }) => `replay/${name}`))).toBeLessThanOrEqual(7);
  });

  test("a changed capacity keeps the newest, under the numbers they have in the log", async () => {
    const folder = newFolder();
    const replay = await filled(folder, 12);
    const state = fromJson(new LogArchive(folder, new SealedBarrier()).save(replay));
    for (const capacity of [8, 100]) {
      const archive = new LogArchive(folder, new SealedBarrier());
      const restored = archive.restore({ ...options, capacity }, state);
      expect(restored.size).toBe(Math.min(capacity, 20));
      expect(restored.ring.position.nextBlock).toBe(12);
      const again = new LogArchive(folder, new SealedBarrier());
      const resaved = fromJson(archive.save(restored));
      expect(again.restore({ ...options, capacity }, resaved).digest()).toBe(restored.digest());
    }
  });

  test("goes on from a replay that was saved without a log, and the other way", async () => {
    const folder = newFolder();
    const replay = new Replay(options);
    const insert = (archive: "packs" | "log", opened?: OpenedLog): void => {
      for (const plan of plans(3)) {
        const unroll = makeUnroll(plan, 5 * replay.ring.position.nextBlock);
        if (archive === "log") deliver(opened!, replay, unroll);
        else replay.insert(unroll);
      }
    };
    const expectRestored = (saved: SavedReplay): void => {
      for (const archive of [ReplayArchive, LogArchive]) {
        const other = new archive(folder, new SealedBarrier()).restore(options, fromJson(saved));
        expect(other.digest()).toBe(replay.digest());
      }
    };
    insert("packs");
    const first = new ReplayArchive(folder).save(replay);
    expectRestored(first);

    const logged = new LogArchive(folder, new SealedBarrier());
    logged.restore(options, fromJson(first));
    let second: SavedReplay;
    {
      await using opened = await openLog(folder, { cut: 3 });
      opened.log.append(join_(0));
      insert("log", opened);
      await opened.log.rotate();
      second = logged.save(replay);
      expect(second.state.unrolls.map(({ name }) => isLogFile(name))).toEqual([false, true]);
      expectRestored(second);
    }
    const packs = new ReplayArchive(folder);
    packs.restore(options, fromJson(second));
    insert("packs");
    expectRestored(packs.save(replay));
  });

  test("a log that lacks what replay holds is noticed when it is saved, and when it is read", async () => {
    const folder = newFolder();
    const replay = await filled(folder, 12);
    const archive = new LogArchive(folder, new SealedBarrier());
    const state = fromJson(archive.save(replay));
    const needed = listSealed(folder).filter(({ end }) => end > 7);
    for (const { name } of needed) {
      const path = join(folder, name);
      const bytes = readFileSync(path);
      rmSync(path);
      expect(codeOf(() => archive.save(replay))).toBe("CHECKPOINT_CORRUPT");
      expect(codeOf(() => archive.restore(options, state))).toBe("CHECKPOINT_CORRUPT");
      const changed = Buffer.from(bytes);
      changed[changed.length >> 1]! ^= 4;
      writeFileSync(path, changed);
      expect(codeOf(() => archive.restore(options, state))).toBe("CHECKPOINT_CORRUPT");
      writeFileSync(path, bytes);
    }
    expect(archive.restore(options, state).digest()).toBe(replay.digest());
  });
});
