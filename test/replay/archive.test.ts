import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { RunError } from "../../src/errors.ts";
import { RandomStream } from "../../src/math/random.ts";
import { ReplayArchive, type SavedReplay } from "../../src/replay/archive.ts";
import { Replay, type ReplayOptions } from "../../src/replay/replay.ts";
import { LAP, PRIORITIZED, type Sampling } from "../../src/replay/sampler.ts";
import { makeUnroll, makeUnrolls, OPTIONS, type UnrollPlan, unrollPlans } from "./make-unroll.ts";

const root = mkdtempSync(join(tmpdir(), "troupe-archive-"));
afterAll(() => rmSync(root, { recursive: true }));

function newFolder(): string {
  return mkdtempSync(join(root, "replay-"));
}

/** State as it comes out of a checkpoint. */
function fromJson(saved: SavedReplay): unknown {
  return JSON.parse(JSON.stringify(saved.state));
}

/** Takes the unrolls in, with a learner's step after each. */
function work(replay: Replay, plans: readonly UnrollPlan[], first: number): number {
  const batch = replay.createBatch();
  let next = first;
  for (const plan of plans) {
    replay.insert(makeUnroll(plan, next));
    next += plan.length + 1;
    const stream = RandomStream.derive(next);
    replay.sample(batch, stream, 0.5);
    replay.updatePriorities(
      batch,
      Float32Array.from(batch.returns, () => 5 * stream.normal()),
    );
  }
  return next;
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (thrown) {
    return RunError.from(thrown).code;
  }
  return "none";
}

const STRATEGIES: readonly Sampling[] = [{ kind: "uniform" }, PRIORITIZED, LAP];

describe.each(STRATEGIES)("ReplayArchive with $kind sampling", (sampling) => {
  const options: ReplayOptions = { ...OPTIONS, sampling };

  test("restores every save bit for bit, wrapped or not, and the same future follows", () => {
    const runs = fc.array(unrollPlans(4, 12), { minLength: 1, maxLength: 5 });
    const folder = newFolder();
    fc.assert(
      fc.property(runs, unrollPlans(4, 12), (phases, future) => {
        const archive = new ReplayArchive(folder);
        const replay = new Replay(options);
        let next = 0;
        for (const phase of phases) {
          next = work(replay, phase, next);
          const saved = archive.save(replay);
          const restored = new ReplayArchive(folder).restore(options, fromJson(saved));
          expect(restored.digest()).toBe(replay.digest());
          expect(restored.ring.position).toEqual(replay.ring.position);
        }
        // A restored archive saves on, and its replay lives on like the other.
        const second = new ReplayArchive(folder);
        const restored = second.restore(options, fromJson(archive.save(replay)));
        work(restored, future, next);
        work(replay, future, next);
        expect(restored.digest()).toBe(replay.digest());
        const resaved = second.save(restored);
        const again = new ReplayArchive(folder).restore(options, fromJson(resaved));
        expect(again.digest()).toBe(replay.digest());
      }),
      // Each run waits for the disk some fifty times.
      { numRuns: 12 },
    );
  });

  test("a flipped bit in any file of a save is noticed", () => {
    const folder = newFolder();
    const replay = new Replay(options);
    work(
      replay,
      [
        { length: 4, end: "none" },
        { length: 2, end: "terminated" },
      ],
      0,
    );
    const saved = new ReplayArchive(folder).save(replay);
    for (const { name, sizeBytes } of saved.files) {
      const bytes = readFileSync(join(folder, name));
      expect(bytes.length).toBe(sizeBytes);
      for (let at = 0; at < bytes.length; at += 7) {
        const changed = Buffer.from(bytes);
        changed[at]! ^= 1 << (at % 8);
        writeFileSync(join(folder, name), changed);
        const restore = () => new ReplayArchive(folder).restore(options, fromJson(saved));
        expect(codeOf(restore)).toBe("CHECKPOINT_CORRUPT");
      }
      writeFileSync(join(folder, name), bytes);
    }
    const restored = new ReplayArchive(folder).restore(options, fromJson(saved));
    expect(restored.digest()).toBe(replay.digest());
  });
});

describe("ReplayArchive", () => {
  const options: ReplayOptions = { ...OPTIONS, sampling: PRIORITIZED };
  const plans = (count: number): UnrollPlan[] => {
    return Array.from({ length: count }, () => ({ length: 4, end: "none" }));
  };

  test("writes only what is new, and drops segments that are wholly forgotten", () => {
    const archive = new ReplayArchive(newFolder());
    const replay = new Replay(options);
    const blocks = (saved: SavedReplay): number[][] => {
      return saved.state.unrolls.map(({ firstBlock, endBlock }) => [firstBlock, endBlock]);
    };
    let next = work(replay, plans(2), 0);
    const first = archive.save(replay);
    expect(blocks(first)).toEqual([[0, 2]]);
    next = work(replay, plans(3), next);
    const second = archive.save(replay);
    expect(blocks(second)).toEqual([
      [0, 2],
      [2, 5],
    ]);
    expect(second.state.unrolls[0]).toEqual(first.state.unrolls[0]);
    next = work(replay, plans(1), next); // forgets block 0
    expect(blocks(archive.save(replay))).toEqual([
      [0, 2],
      [2, 5],
      [5, 6],
    ]);
    next = work(replay, plans(1), next);
    expect(blocks(archive.save(replay))).toEqual([
      [2, 5],
      [5, 6],
      [6, 7],
    ]);
    expect(blocks(archive.save(replay))).toEqual([
      [2, 5],
      [5, 6],
      [6, 7],
    ]);
    work(replay, plans(100), next); // far more than the ring holds
    expect(blocks(archive.save(replay))).toEqual([[102, 107]]);
  });

  test("lists every file a restore needs, and an earlier save stays restorable", () => {
    const folder = newFolder();
    const archive = new ReplayArchive(folder);
    const replay = new Replay(options);
    work(replay, plans(4), 0);
    const early = archive.save(replay);
    const digest = replay.digest();
    work(replay, plans(50), 100);
    archive.save(replay);
    const needed = new Set(early.files.map(({ name }) => name));
    for (const name of readdirSync(folder)) if (!needed.has(name)) rmSync(join(folder, name));
    const restored = new ReplayArchive(folder).restore(options, fromJson(early));
    expect(restored.digest()).toBe(digest);
    for (const name of needed) rmSync(join(folder, name));
    expect(codeOf(() => archive.restore(options, fromJson(early)))).toBe("CHECKPOINT_CORRUPT");
  });

  test("two histories that part after a checkpoint do not overwrite each other's segments", () => {
    const folder = newFolder();
    const replay = new Replay(options);
    const archive = new ReplayArchive(folder);
    work(replay, plans(2), 0);
    const common = archive.save(replay);
    const other = new ReplayArchive(folder);
    const twin = other.restore(options, fromJson(common));
    work(replay, plans(2), 100);
    work(twin, plans(2), 200);
    const saves = [archive.save(replay), other.save(twin)];
    const digests = saves.map((saved) => {
      return new ReplayArchive(folder).restore(options, fromJson(saved)).digest();
    });
    expect(digests).toEqual([replay.digest(), twin.digest()]);
    expect(digests[0]).not.toBe(digests[1]);
  });

  test("a changed capacity or unroll length keeps the newest transitions and their weights", () => {
    const folder = newFolder();
    const replay = new Replay(options);
    work(replay, plans(12), 0);
    const state = fromJson(new ReplayArchive(folder).save(replay));
    const weightsByReward = (source: Replay): Map<number, number> => {
      const held = new Map<number, number>();
      for (const [slot, weight] of source.sampler.weights!.entries()) {
        const { floats, stride, rewardAt } = source.ring.table;
        if (weight > 0) held.set(floats[slot * stride + rewardAt]!, weight);
      }
      return held;
    };
    const all = weightsByReward(replay);
    expect(all.size).toBe(20);
    for (const [changes, size] of [
      [{ capacity: 13 }, 12],
      [{ capacity: 50 }, 20],
      [{ unrollLength: 2 }, 20],
      [{ unrollLength: 9 }, 20],
    ] as const) {
      const changed = { ...options, ...changes };
      const archive = new ReplayArchive(folder);
      const restored = archive.restore(changed, state);
      const newest = [...all].sort(([a], [b]) => a - b).slice(-size);
      expect([...weightsByReward(restored)].sort(([a], [b]) => a - b)).toEqual(newest);
      const again = new ReplayArchive(folder).restore(changed, fromJson(archive.save(restored)));
      expect(again.digest()).toBe(restored.digest());
    }
  });

  test("a changed strategy gives all transitions the same priority", () => {
    const folder = newFolder();
    const replay = new Replay(options);
    work(replay, plans(12), 0);
    const state = fromJson(new ReplayArchive(folder).save(replay));
    const restored = new ReplayArchive(folder).restore({ ...options, sampling: LAP }, state);
    const weights = restored.sampler.weights!.filter((w) => w > 0);
    expect([...weights]).toEqual(new Array(20).fill(1));
    const uniform = new ReplayArchive(folder).restore(
      { ...options, sampling: { kind: "uniform" } },
      state,
    );
    expect(uniform.size).toBe(20);
  });

  test("refuses other sizes of observation and action, and a state that is none", () => {
    const folder = newFolder();
    const replay = new Replay(options);
    work(replay, plans(3), 0);
    const saved = new ReplayArchive(folder).save(replay);
    const restore = (changes: Partial<ReplayOptions>, state = fromJson(saved)) => {
      return codeOf(() => new ReplayArchive(folder).restore({ ...options, ...changes }, state));
    };
    expect(restore({ observationSize: 4 })).toBe("CHECKPOINT_INCOMPATIBLE");
    expect(restore({ actionSize: 1 })).toBe("CHECKPOINT_INCOMPATIBLE");
    expect(restore({ capacity: 3 })).toBe("CHECKPOINT_INCOMPATIBLE");
    expect(restore({}, {})).toBe("CHECKPOINT_CORRUPT");
    expect(restore({}, { ...saved.state, unrolls: [] })).toBe("CHECKPOINT_CORRUPT");
    const [segment] = saved.state.unrolls;
    const short = { ...saved.state, unrolls: [{ ...segment, endBlock: 2 }] };
    expect(restore({}, short)).toBe("CHECKPOINT_CORRUPT");
    const escaping = { ...saved.state, unrolls: [{ ...segment, name: "../elsewhere.seg" }] };
    expect(restore({}, escaping)).toBe("CHECKPOINT_CORRUPT");
  });

  test("saves on where the ring skipped the rows before its seam", () => {
    const folder = newFolder();
    const archive = new ReplayArchive(folder);
    const replay = new Replay(options);
    expect(replay.ring.rows).toBe(35);
    // Six blocks of 5 rows and one of 3 leave 2 rows, too few for the next.
    const next = work(replay, [...plans(6), { length: 2, end: "none" }], 0);
    archive.save(replay);
    work(replay, plans(1), next);
    expect(replay.ring.position.nextRow).toBe(40);
    const restored = new ReplayArchive(folder).restore(options, fromJson(archive.save(replay)));
    expect(restored.digest()).toBe(replay.digest());
  });

  test.skipIf(process.platform !== "linux")(
    "a full disk spoils nothing: the next save makes up",
    () => {
      const folder = newFolder();
      const archive = new ReplayArchive(folder);
      const replay = new Replay(options);
      const next = work(replay, plans(3), 0);
      const early = archive.save(replay);
      work(replay, plans(3), next);
      symlinkSync("/dev/full", join(folder, "unrolls.open"));
      expect(codeOf(() => archive.save(replay))).toBe("DISK_FULL");
      expect(readdirSync(folder).sort()).toEqual(early.files.map(({ name }) => name).sort());
      const restored = new ReplayArchive(folder).restore(options, fromJson(archive.save(replay)));
      expect(restored.digest()).toBe(replay.digest());
    },
  );

  test("an empty replay can be saved and restored", () => {
    const folder = newFolder();
    const replay = new Replay(options);
    const saved = new ReplayArchive(folder).save(replay);
    const restored = new ReplayArchive(folder).restore(options, fromJson(saved));
    expect(restored.digest()).toBe(replay.digest());
    expect(restored.insert(makeUnrolls(plans(1))[0]!)).toBeNull();
  });
});
