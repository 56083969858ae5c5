import { renameSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
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
