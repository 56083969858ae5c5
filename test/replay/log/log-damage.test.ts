import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32c } from "@node-rs/crc32";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RunError } from "../../../src/errors.ts";
import { RandomStream } from "../../../src/math/random.ts";
import { isOpenName, listSealed, type SealedSegment } from "../../../src/replay/log/log-names.ts";
import { checkSealed } from "../../../src/replay/log/log-reader.ts";
import { recoverLog } from "../../../src/replay/log/recover-log.ts";
import { sealedFrames } from "../../../src/replay/segment-reader.ts";
import { contentOf, copyFolder, join_, newFolder, openLog, root, unroll } from "./log-scenario.ts";

afterAll(() => rmSync(root, { recursive: true }));

/** With two sealed segments, and one that a crash left open. */
let folder = "";
let sealed: SealedSegment[] = [];

beforeAll(async () => {
  const live = newFolder();
  await using opened = await openLog(live);
  const { log } = opened;
  for (let i = 0; i < 30; i++) {
    log.append(i === 0 ? join_(0) : unroll(i - 1));
    const id = { slot: 0, incarnation: 1, sequence: i };
    if (i === 7) log.append({ kind: "refused", ...id, reason: "flag", message: "no" });
    if (i === 8) log.append({ kind: "skip", ...id });
    if (i % 10 === 9 && i < 20) await log.rotate();
    while (log.durable < i) await new Promise((resolve) => setImmediate(resolve));
  }
  log.append({ kind: "leave", slot: 0, incarnation: 1 });
  while (log.status.pendingRecords > 0) await new Promise((resolve) => setImmediate(resolve));
  folder = copyFolder(live);
  sealed = listSealed(folder);
});

/** Bits turned, bytes lost, doubled, or replaced by others of the file. */
function mutate(bytes: Buffer, random: RandomStream): Buffer {
  const at = random.integer(bytes.length);
  const length = 1 + random.integer(20);
  const rest = bytes.subarray(at + length);
  switch (random.integer(5)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), rest]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    case 3: {
      const changed = Buffer.from(bytes);
      changed.copy(changed, at, random.integer(bytes.length), bytes.length);
      return changed;
    }
    default: {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << random.integer(8);
      return changed;
    }
  }
}

/** The error, which has to be one of ours. */
function failure(call: () => unknown): RunError | undefined {
  try {
    call();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof RunError) return thrown;
    throw thrown;
  }
}

describe("damage to the log", () => {
  test("a sealed segment with any change is refused, with file and offset", () => {
    const random = RandomStream.derive(1, "damage");
    const segment = sealed[1]!;
    const path = join(folder, segment.name);
    const bytes = readFileSync(path);
    for (let i = 0; i < 16_000; i++) {
      const changed = mutate(bytes, random);
      if (changed.equals(bytes)) continue;
      const error = failure(() => checkSealed(path, sealedFrames(path, changed), segment));
      expect(error?.code).toBe("CHECKPOINT_CORRUPT");
      expect(error?.message).toMatch(/^.*log-\d+-\d+-\w+\.seg is damaged at byte \d+: /);
      expect(error?.message).toContain(path);
    }
  }, 30_000);

  test("frames that were never written, with right checksums, are refused or read, no more", () => {
    const random = RandomStream.derive(2, "damage");
    const segment = sealed[0]!;
    const path = join(folder, segment.name);
    const bytes = readFileSync(path);
    let refused = 0;
    for (let i = 0; i < 3_500; i++) {
      const changed = Buffer.from(bytes);
      const starts = frameStarts(bytes);
      const start = starts[random.integer(starts.length)]!;
      const length = bytes.readUInt32LE(start);
      for (let n = 0; n < 1 + random.integer(4); n++) {
        changed[start + 8 + random.integer(Math.min(length, 30))] = random.integer(256);
      }
      const payload = changed.subarray(start + 8, start + 8 + length);
      changed.writeUInt32LE(crc32c(payload, crc32c(changed.subarray(start, start + 4))), start + 4);
      const error = failure(() => checkSealed(path, sealedFrames(path, changed), segment));
      if (error === undefined) continue;
      refused += 1;
      expect(error.code).toBe("CHECKPOINT_CORRUPT");
      expect(error.message).toContain(path);
    }
    expect(refused).toBeGreaterThan(400);
  }, 30_000);

  test("an open segment with any change gives a prefix, or is refused", () => {
    const random = RandomStream.derive(3, "damage");
    const open = readdirSync(folder).find(isOpenName)!;
    const bytes = readFileSync(join(folder, open));
    const target = newFolder();
    const whole = recoveredEnd(target, () => copyFileSync(join(folder, open), join(target, open)));
    expect(whole).toBe(29);
    let cut = 0;
    for (let i = 0; i < 500; i++) {
      const changed = mutate(bytes, random);
      const found = recoveredEnd(target, () => writeFileSync(join(target, open), changed));
      if (found instanceof RunError) {
        expect(found.code).toBe("CHECKPOINT_CORRUPT");
        expect(found.message).toMatch(/is damaged at byte \d+|and from \d+ on/);
      } else {
        expect(found).toBeLessThanOrEqual(29);
        cut += 1;
      }
    }
    expect(cut).toBeGreaterThan(10);
  }, 30_000);

  test("a damaged segment behind the cut is set aside with what follows, and the log goes on", async () => {
    for (const [which, end] of [
      [0, 0],
      [1, 9],
    ] as const) {
      const target = copyFolder(folder);
      const path = join(target, sealed[which]!.name);
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1]! ^= 2;
      writeFileSync(path, bytes);
      // Before the cut nobody needs it, so nobody looks.
      await using before = await openLog(copyFolder(target), { cut: sealed[which]!.end });
      expect(before.recovered).toMatchObject({ end: 29, warnings: [] });
      {
        await using opened = await openLog(target, { cut: end });
        expect(opened.recovered.end).toBe(end);
        expect(opened.recovered.cursors.map(({ next }) => next)).toEqual(end === 0 ? [] : [9]);
        expect(opened.recovered.warnings).toEqual([
          expect.stringMatching(
            new RegExp(`is damaged at byte \\d+: .* from unroll ${end} on, were set aside`),
          ),
        ]);
        expect(readdirSync(target).filter((name) => name.startsWith("log-damaged-"))).toHaveLength(
          3 - which,
        );
        opened.log.append(join_(0, 2));
        const payload = new Uint8Array(9);
        opened.log.append({ kind: "unroll", slot: 0, incarnation: 2, sequence: 0, payload });
      }
      await using again = await openLog(target, { cut: end });
      expect(again.recovered).toMatchObject({ end: end + 1, warnings: [] });
    }
  });

  test("a segment that is missing in the midst, or at a place that is not its own, is noticed", async () => {
    const gone = copyFolder(folder);
    rmSync(join(gone, sealed[1]!.name));
    await expect(openLog(gone)).rejects.toMatchObject({
      code: "CHECKPOINT_CORRUPT",
      message: expect.stringContaining("unrolls up to 9 and from 19 on"),
    });
    const renamed = copyFolder(folder);
    const { name } = sealed[0]!;
    const other = name.replace("log-000000000000", "log-000000000001");
    copyFileSync(join(renamed, name), join(renamed, other));
    rmSync(join(renamed, name));
    await using opened = await openLog(renamed, { cut: 9 });
    expect(() => contentOf(opened, 1)).toThrow("not what its name says");
  });

  test("two that continue the same segment are refused: two learners wrote", async () => {
    const twice = copyFolder(folder);
    const open = readdirSync(twice).find(isOpenName)!;
    copyFileSync(join(twice, open), join(twice, open.replace(/-\w+\.open/, "-01234567.open")));
    await expect(openLog(twice)).rejects.toMatchObject({
      code: "CHECKPOINT_CORRUPT",
      message: expect.stringContaining("continues the same segment"),
    });
  });
});

/** Where the log ends with the sealed segments and an open one, or why it cannot be opened. */
function recoveredEnd(target: string, placeOpen: () => void): number | RunError {
  for (const name of readdirSync(target)) rmSync(join(target, name));
  for (const { name } of sealed) copyFileSync(join(folder, name), join(target, name));
  placeOpen();
  let end = -1;
  const error = failure(() => {
    end = recoverLog({ folder: target, cut: 0, checkTerm: () => undefined }).end;
  });
  return error ?? end;
}

function frameStarts(file: Buffer): number[] {
  const starts: number[] = [];
  for (let at = 16; file.readUInt32LE(at) !== 0xffff_ffff; at += 8 + file.readUInt32LE(at)) {
    starts.push(at);
  }
  return starts;
}
