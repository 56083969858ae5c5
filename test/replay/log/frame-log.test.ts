import {
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { RunError } from "../../../src/errors.ts";
import { isOpenName, listSealed, parseSealedName } from "../../../src/replay/log/log-names.ts";
import type { LogRecord } from "../../../src/replay/log/log-record.ts";
import {
  contentOf,
  copyFolder,
  foldOf,
  join_,
  newFolder,
  openLog,
  root,
  unroll,
} from "./log-scenario.ts";

afterAll(() => rmSync(root, { recursive: true }));

function openFile(folder: string): string | undefined {
  const name = readdirSync(folder).find(isOpenName);
  return name && join(folder, name);
}

/** Valid records in the order given: sequence numbers follow from what came before. */
function recordsOf(kinds: readonly { kind: string; slot: number; size: number }[]): LogRecord[] {
  const next = new Map<number, { incarnation: number; sequence: number }>();
  return kinds.map(({ kind, slot, size }): LogRecord => {
    const at = next.get(slot);
    if (kind === "join" || at === undefined) {
      const incarnation = (at?.incarnation ?? 0) + 1;
      next.set(slot, { incarnation, sequence: 0 });
      return join_(slot, incarnation);
    }
    const id = { slot, ...at };
    at.sequence += 1;
    if (kind === "skip") return { kind, ...id, sequence: at.sequence };
    if (kind === "refused") return { kind, ...id, reason: "shape", message: `${size} ü` };
    const payload = Uint8Array.from({ length: size }, (_, i) => id.sequence + i);
    return { kind: "unroll", ...id, payload };
  });
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom("unroll", "unroll", "unroll", "refused", "skip", "join"),
    slot: fc.integer({ min: 0, max: 2 }),
    size: fc.integer({ min: 0, max: 300 }),
    after: fc.constantFrom("go on", "go on", "yield", "rotate", "wait"),
  }),
  { minLength: 1, maxLength: 50 },
);

describe("FrameLog", () => {
  test("a crash at any moment leaves a prefix of what was appended, with all that was durable", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), fc.nat(), async (plan, crashAt, cutAt) => {
        const folder = newFolder();
        const records = recordsOf(plan);
        const crash = crashAt % plan.length;
        let durable = 0;
        let [crashed, position, openBytes] = ["", 0, 0];
        {
          await using opened = await openLog(folder, {
            segmentBytes: 800,
            onDurable: (below) => {
              durable = below;
            },
          });
          const { log } = opened;
          for (const [i, record] of records.entries()) {
            expect(log.append(record)).toBe(i);
            const { after } = plan[i]!;
            if (after === "yield") await new Promise((resolve) => setImmediate(resolve));
            if (after === "rotate") await log.rotate();
            while (after === "wait" && log.durable <= i) await new Promise((r) => setImmediate(r));
            if (i !== crash) continue;
            [position, openBytes] = [durable, log.status.sizeBytes];
            crashed = copyFolder(folder);
          }
        }
        // What a crash may tear is what was not synced.
        const sealedBytes = listSealed(crashed).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        const open = openFile(crashed);
        if (open !== undefined) {
          const synced = Math.max(0, openBytes - sealedBytes);
          const unsynced = statSync(open).size - synced;
          if (unsynced > 0) truncateSync(open, synced + (cutAt % (unsynced + 1)));
        }
        await using recovered = await openLog(crashed);
        const content = contentOf(recovered);
        const prefixes = records
          .slice(position)
          .map((_, i) => foldOf(records.slice(0, position + i)));
        expect([...prefixes, foldOf(records)]).toContainEqual(content);

        await using whole = await openLog(folder);
        expect(contentOf(whole)).toEqual(foldOf(records));
      }),
      // Each waits for the disk some twenty times, hence the limits.
      { numRuns: 30, interruptAfterTimeLimit: 15_000 },
    );
  }, 90_000);

  test("goes on after any number of restarts, and needs only the newest segments for it", async () => {
    const folder = newFolder();
    const records = [join_(0), join_(1)];
    for (let round = 0; round < 4; round++) {
      await using opened = await openLog(folder, { segmentBytes: 500 });
      const { log, recovered } = opened;
      expect(contentOf(opened)).toEqual(foldOf(round === 0 ? [] : records));
      expect(log.end).toBe(recovered.end);
      if (round === 0) for (const record of records) log.append(record);
      const added = Array.from({ length: 9 }, (_, i) => unroll(9 * round + i));
      for (const record of added) log.append(record);
      records.push(...added);
    }
    const sealed = listSealed(folder);
    expect(sealed.length).toBeGreaterThan(4);
    for (const { name } of sealed.slice(0, -1)) rmSync(join(folder, name));
    await using last = await openLog(folder);
    expect(last.recovered.end).toBe(36);
    expect(last.recovered.cursors).toEqual(foldOf(records).cursors);
    expect(contentOf(last, sealed.at(-1)!.first).unrolls).toEqual(
      foldOf(records).unrolls.slice(sealed.at(-1)!.first),
    );
  });

  test("records that are no unrolls survive restarts without any", async () => {
    const folder = newFolder();
    const records: LogRecord[] = [];
    for (let round = 1; round < 6; round++) {
      await using opened = await openLog(folder, { segmentBytes: 300 });
      expect(opened.recovered).toEqual({ cursors: foldOf(records).cursors, end: 0, warnings: [] });
      for (let slot = 0; slot < 3; slot++) {
        const record = join_(slot, round);
        opened.log.append(record);
        records.push(record);
      }
      await opened.log.rotate();
    }
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test.each(["open", "sealed"])(
    "what a newer segment has taken over may come back, and goes again: %s",
    async (newer) => {
      const folder = newFolder();
      const records = [join_(0), join_(1), unroll(0)];
      {
        await using opened = await openLog(folder, { segmentBytes: 1 });
        opened.log.append(join_(0));
        while (opened.log.durable < 1) await new Promise((resolve) => setImmediate(resolve));
        const before = copyFolder(folder);
        opened.log.append(join_(1));
        opened.log.append(unroll(0));
        await opened.log.rotate();
        for (const name of readdirSync(before))
          copyFileSync(join(before, name), join(folder, name));
        if (newer === "open") {
          records.push(join_(2));
          opened.log.append(join_(2));
        }
      }
      for (let round = 0; round < 2; round++) {
        await using opened = await openLog(folder);
        expect(contentOf(opened)).toEqual(foldOf(records));
        opened.log.append(join_(0));
      }
    },
  );

  test("tells of a torn end, and of no other", async () => {
    const folder = newFolder();
    await using opened = await openLog(folder);
    for (const record of [join_(0), unroll(0), unroll(1)]) opened.log.append(record);
    while (opened.log.durable < 3) await new Promise((resolve) => setImmediate(resolve));
    const whole = copyFolder(folder);
    const torn = copyFolder(folder);
    const path = openFile(torn)!;
    truncateSync(path, statSync(path).size - 5);
    await using first = await openLog(whole);
    expect(first.recovered.warnings).toEqual([]);
    expect(contentOf(first).unrolls).toHaveLength(2);
    await using second = await openLog(torn);
    expect(contentOf(second).unrolls).toHaveLength(1);
    const bytes = 8 + 17 + 40 - 5;
    expect(second.recovered.warnings).toEqual([
      `${path} was cut before its last ${bytes} bytes, which a crash tore`,
    ]);
  });

  test("damage in the midst of an open segment is no torn end", async () => {
    const folder = newFolder();
    await using opened = await openLog(folder);
    for (let i = 0; i < 4; i++) {
      opened.log.append(i === 0 ? join_(0) : unroll(i - 1));
      while (opened.log.durable <= i) await new Promise((resolve) => setImmediate(resolve));
    }
    const size = statSync(openFile(folder)!).size;
    // The last batch is its mark and one unroll; nobody can tell damage there from a crash.
    const lastBatch = size - (8 + 9) - (8 + 17 + 40);
    for (let at = 0; at < lastBatch; at += 11) {
      const copy = copyFolder(folder);
      const path = openFile(copy)!;
      const bytes = readFileSync(path);
      bytes[at]! ^= 0x10;
      writeFileSync(path, bytes);
      await expect(openLog(copy)).rejects.toMatchObject({
        code: "CHECKPOINT_CORRUPT",
        message: expect.stringContaining(`${path} is damaged at byte`),
      });
    }
  });

  test("syncs once for all that came meanwhile, at most every interval", async () => {
    let syncs = 0;
    const start = performance.now();
    await using opened = await openLog(newFolder(), {
      syncIntervalMs: 20,
      onDurable: () => {
        syncs += 1;
      },
    });
    opened.log.append(join_(0));
    for (let i = 0; i < 500; i++) {
      opened.log.append(unroll(i, 1000));
      if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    while (opened.log.durable < 501) await new Promise((resolve) => setImmediate(resolve));
    // A timer may be early by what its turn of the event loop took before it was set.
    expect(syncs).toBeLessThanOrEqual(2 + Math.ceil((performance.now() - start) / 15));
    expect(opened.log.status).toMatchObject({ pendingRecords: 0, trouble: null });
  });

  test("payloads are copied: their memory may be used again at once", async () => {
    const folder = newFolder();
    const payload = new Uint8Array(50).fill(1);
    {
      await using opened = await openLog(folder);
      opened.log.append(join_(0));
      opened.log.append({ kind: "unroll", slot: 0, incarnation: 1, sequence: 0, payload });
      payload.fill(2);
    }
    await using again = await openLog(folder);
    expect([...again.log.unrolls(0, 1)][0]!.payload).toEqual(Buffer.alloc(50, 1));
  });

  test("a payload larger than the log's memory for a batch goes through", async () => {
    const folder = newFolder();
    const records = [join_(0), unroll(0, 3 << 20), unroll(1), unroll(2, 3 << 20)];
    {
      await using opened = await openLog(folder, { segmentBytes: 3 << 20 });
      for (const record of records) opened.log.append(record);
    }
    await using again = await openLog(folder);
    expect(contentOf(again)).toEqual(foldOf(records));
    expect(listSealed(folder)).toHaveLength(2);
  });

  test("reads sealed unrolls only", async () => {
    await using opened = await openLog(newFolder());
    opened.log.append(join_(0));
    opened.log.append(unroll(0));
    expect(() => opened.log.unrolls(0, 1)).toThrow(RangeError);
    await opened.log.rotate();
    expect([...opened.log.unrolls(0, 1)]).toHaveLength(1);
    expect([...opened.log.unrolls(1, 1)]).toEqual([]);
  });
});

describe("FrameLog and checkpoints", () => {
  test("removes the oldest segments that no checkpoint needs, down to the quota", async () => {
    const folder = newFolder();
    await using opened = await openLog(folder, { segmentBytes: 1000, quotaBytes: 5000 });
    const { log, warnings } = opened;
    log.append(join_(0));
    for (let i = 0; i < 100; i++) log.append(unroll(i, 100));
    await log.rotate();
    expect(listSealed(folder)[0]!.first).toBe(0);
    expect(warnings).toEqual([
      "the frame log takes 1 MB, more than its quota of 1 MB: checkpoints need all of it",
    ]);
    await log.seal({ endIndex: 100, releasedBelow: 40 });
    const first = (): number => {
      const segments = readdirSync(folder).flatMap((name) => parseSealedName(name) ?? []);
      return Math.min(...segments.map((segment) => segment.first));
    };
    await expect.poll(first).toBeGreaterThan(30);
    expect(first()).toBeLessThanOrEqual(40);
    await log.seal({ endIndex: 100, releasedBelow: 100 });
    await expect.poll(() => log.status.sizeBytes).toBeLessThanOrEqual(5000);
    const sizes = listSealed(folder).map(({ sizeBytes }) => sizeBytes);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(log.status.sizeBytes);
    expect(log.status.sizeBytes).toBeGreaterThan(3000);
    expect(warnings).toHaveLength(1);
  });

  test("reading goes on while segments that were read are removed", async () => {
    const folder = newFolder();
    await using opened = await openLog(folder, { segmentBytes: 500, quotaBytes: 0 });
    const { log } = opened;
    log.append(join_(0));
    for (let i = 0; i < 40; i++) log.append(unroll(i));
    await log.rotate();
    const indices: number[] = [];
    for (const { index } of log.unrolls(5, 40)) {
      indices.push(index);
      await log.seal({ endIndex: 40, releasedBelow: index });
      const segments = () => readdirSync(folder).flatMap((name) => parseSealedName(name) ?? []);
      while (segments().some(({ end }) => end <= index)) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(segments().some(({ first, end }) => first <= index && index < end)).toBe(true);
    }
    expect(indices).toEqual(Array.from({ length: 35 }, (_, i) => i + 5));
  });

  test("goes on behind a gap where replay did, and says so", async () => {
    const folder = newFolder();
    const fill = async (count: number, cut?: number): Promise<string[]> => {
      await using opened = await openLog(folder, cut === undefined ? {} : { cut });
      const { log, recovered } = opened;
      if (recovered.cursors.length === 0) log.append(join_(0));
      for (let i = 0; i < count; i++) log.append(unroll(recovered.end + i));
      return [...recovered.warnings];
    };
    expect(await fill(3)).toEqual([]);
    expect(await fill(2, 10)).toEqual([expect.stringContaining("ends at unroll 3, replay at 10")]);
    expect(await fill(2, 11)).toEqual([]);
    await using opened = await openLog(folder);
    expect(opened.recovered.end).toBe(14);
    expect([...opened.log.unrolls(10, 14)].map(({ index }) => index)).toEqual([10, 11, 12, 13]);
    expect(() => [...opened.log.unrolls(2, 14)]).toThrow("lacks the unrolls from 3 on");
  });

  test("begins where a replay does that was saved without a log", async () => {
    await using opened = await openLog(newFolder(), { cut: 7 });
    expect(opened.recovered).toEqual({ cursors: [], end: 7, warnings: [] });
  });
});

describe("FrameLog of a learner that was cut off", () => {
  test("neither writes nor reports anything once the folder is taken over", async () => {
    const folder = newFolder();
    let takenOver = false;
    let durable = 0;
    await using opened = await openLog(folder, {
      checkTerm: () => {
        if (takenOver) throw new RunError("RUN_LOCKED", "taken over");
      },
      onDurable: (below) => {
        durable = below;
      },
    });
    const { log } = opened;
    log.append(join_(0));
    log.append(unroll(0));
    while (durable < 2) await new Promise((resolve) => setImmediate(resolve));
    takenOver = true;
    const sealed = log.rotate();
    log.append(unroll(1));
    await expect(sealed).rejects.toMatchObject({ code: "RUN_LOCKED" });
    await expect(log.finished).rejects.toMatchObject({ code: "RUN_LOCKED" });
    expect(() => log.append(unroll(2))).toThrow("taken over");
    expect(durable).toBe(2);
    await using successor = await openLog(folder);
    expect(successor.recovered.end).toBe(1);
  });

  test("cannot touch what its successor goes on with", async () => {
    const folder = newFolder();
    await using old = await openLog(folder);
    old.log.append(join_(0));
    old.log.append(unroll(0));
    while (old.log.durable < 2) await new Promise((resolve) => setImmediate(resolve));
    // As after a pause between asking for the term and writing: nothing tells it to stop.
    await using successor = await openLog(folder);
    expect(successor.recovered.end).toBe(1);
    for (let i = 1; i < 9; i++) old.log.append(unroll(i));
    while (old.log.durable < 10) await new Promise((resolve) => setImmediate(resolve));
    successor.log.append(unroll(1, 60));
    await successor.log.rotate();
    await using third = await openLog(folder);
    expect(contentOf(third)).toEqual(foldOf([join_(0), unroll(0), unroll(1, 60)]));
  });
});
