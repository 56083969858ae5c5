import { renameSync, rmSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { listSealed } from "../../../src/replay/log/log-names.ts";
import { type DiskCall, faultyDisk } from "./faulty-disk.ts";
import {
  contentOf,
  foldOf,
  join_,
  newFolder,
  type OpenedLog,
  openLog,
  root,
  unroll,
} from "./log-scenario.ts";

afterAll(() => rmSync(root, { recursive: true }));

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function untilDurable({ log }: OpenedLog, position: number): Promise<void> {
  while (log.durable < position) await tick();
}

/** Takes the folder away, so that no file can be made; and brings it back. */
function breakFolder(folder: string): () => void {
  renameSync(folder, `${folder}-away`);
  return () => renameSync(`${folder}-away`, folder);
}

describe("FrameLog in trouble", () => {
  test("says so, reports nothing durable, and goes on by itself when the disk works again", async () => {
    const folder = newFolder();
    const records = [join_(0), unroll(0)];
    {
      await using opened = await openLog(folder, { segmentBytes: 300 });
      const { log, troubles } = opened;
      for (const record of records) log.append(record);
      await untilDurable(opened, 2);
      const mend = breakFolder(folder);
      for (let i = 1; i < 40; i++) {
        records.push(unroll(i));
        log.append(unroll(i));
        await tick();
      }
      await expect.poll(() => troubles.length).toBe(1);
      expect(troubles[0]).toMatch(/^the frame log cannot be written: ENOENT/);
      const { durable } = log;
      // What the open segment still took.
      expect(durable).toBeLessThan(10);
      expect(log.status).toMatchObject({ pendingRecords: 41 - durable, trouble: troubles[0] });
      const sealed = log.rotate();
      mend();
      await sealed;
      expect(log.durable).toBe(41);
      expect(troubles).toEqual([troubles[0], null]);
      expect(log.status).toMatchObject({ pendingRecords: 0, trouble: null });
    }
    await using again = await openLog(folder);
    expect(contentOf(again)).toEqual(foldOf(records));
    expect(again.recovered.warnings).toEqual([]);
  });

  test("can be closed: what was not durable is given up, and what was is found again", async () => {
    const folder = newFolder();
    const opened = await openLog(folder);
    opened.log.append(join_(0));
    opened.log.append(unroll(0));
    await untilDurable(opened, 2);
    const mend = breakFolder(folder);
    const sealed = opened.log.rotate();
    const refused = expect(sealed).rejects.toMatchObject({ code: "DISK_FULL" });
    opened.log.append(unroll(1));
    await expect.poll(() => opened.troubles.length).toBe(1);
    await opened[Symbol.asyncDispose]();
    await refused;
    await opened.log.finished;
    expect(() => opened.log.append(unroll(2))).toThrow();
    mend();
    await using again = await openLog(folder);
    expect(contentOf(again)).toEqual(foldOf([join_(0), unroll(0)]));
  });

  test("begins a new segment after a sync that failed, not after a write that did", async () => {
    for (const [call, ranges] of [
      ["datasync", ["0-1", "1-3"]],
      ["writev", ["0-3"]],
    ] as const) {
      const folder = newFolder();
      await using opened = await openLog(folder);
      opened.log.append(join_(0));
      opened.log.append(unroll(0));
      await untilDurable(opened, 2);
      let failures = 0;
      using _ = await faultyDisk((made) => {
        return made === call && failures++ === 0 ? { code: "EIO" } : undefined;
      });
      opened.log.append(unroll(1));
      await untilDurable(opened, 3);
      opened.log.append(unroll(2));
      await opened.log.rotate();
      expect(opened.troubles).toEqual([`the frame log cannot be written: EIO: ${call}`, null]);
      expect(listSealed(folder).map(({ first, end }) => `${first}-${end}`)).toEqual(ranges);
      expect([...opened.log.unrolls(0, 3)].map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
    }
  });

  test("loses and doubles nothing, whichever calls fail", async () => {
    const fault = fc.record({
      call: fc.constantFrom<DiskCall>("writev", "datasync", "sync", "truncate"),
      code: fc.constantFrom("ENOSPC" as const, "EIO" as const),
      at: fc.nat(6),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 4 }), async (faults) => {
        const folder = newFolder();
        const calls = new Map<DiskCall, number>();
        const records = [join_(0), ...Array.from({ length: 25 }, (_, i) => unroll(i))];
        let reported = 0;
        {
          using _ = await faultyDisk((call) => {
            const at = calls.get(call) ?? 0;
            calls.set(call, at + 1);
            return faults.find((each) => each.call === call && each.at === at);
          });
          await using opened = await openLog(folder, {
            segmentBytes: 400,
            onDurable: (position) => {
              expect(position).toBeGreaterThan(reported);
              reported = position;
            },
          });
          for (const record of records) {
            opened.log.append(record);
            await tick();
          }
          await untilDurable(opened, records.length);
          await opened.log.rotate();
        }
        expect(reported).toBe(records.length);
        await using again = await openLog(folder);
        expect(contentOf(again)).toEqual(foldOf(records));
        expect(again.recovered.warnings).toEqual([]);
      }),
      // After each failure the log waits for 50 ms and more.
      { numRuns: 12, interruptAfterTimeLimit: 10_000 },
    );
  }, 90_000);

  test("a slow disk makes larger batches, not longer queues", async () => {
    let syncs = 0;
    using _ = await faultyDisk((call) => {
      if (call !== "datasync") return undefined;
      syncs += 1;
      return { delayMs: 40 };
    });
    await using opened = await openLog(newFolder());
    opened.log.append(join_(0));
    const start = performance.now();
    for (let i = 0; i < 300; i++) {
      opened.log.append(unroll(i));
      await tick();
    }
    await untilDurable(opened, 301);
    // A timer may be early by what its turn of the event loop took before it was set.
    expect(syncs).toBeLessThanOrEqual(2 + (performance.now() - start) / 30);
  });

  test("a log that cannot be opened says why", async () => {
    const folder = newFolder();
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "");
    await expect(openLog(folder)).rejects.toMatchObject({ code: "EEXIST" });
    rmSync(folder);
  });

  test("a closed log takes nothing", async () => {
    const opened = await openLog(newFolder());
    await opened[Symbol.asyncDispose]();
    await opened[Symbol.asyncDispose]();
    expect(() => opened.log.append(join_(0))).toThrow("closed");
    await expect(opened.log.rotate()).rejects.toThrow("closed");
  });
});
