import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32c } from "@node-rs/crc32";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { RunError } from "../../src/errors.ts";
import { readOpenSegment, readSegment } from "../../src/replay/segment-reader.ts";
import { SegmentWriter } from "../../src/replay/segment-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "troupe-segments-"));
afterAll(() => rmSync(folder, { recursive: true }));

const path = join(folder, "one.seg");
const frames = [new Uint8Array([1, 2, 3]), new Uint8Array(0), new Uint8Array(60).fill(7)];

function write(payloads: readonly Uint8Array[], name = "one.seg") {
  using writer = new SegmentWriter(folder, "one.open");
  for (const payload of payloads) writer.append(payload);
  return writer.seal(() => name);
}

function failure(read: () => unknown): RunError {
  try {
    read();
  } catch (thrown) {
    if (thrown instanceof RunError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

describe("segments", () => {
  test("give back the frames that were written", () => {
    const payload = fc.uint8Array({ maxLength: 500 });
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 8 }), (payloads) => {
        write(payloads);
        expect(readSegment(path).map((frame) => [...frame])).toEqual(payloads.map((p) => [...p]));
      }),
      // Each run waits for the disk.
      { numRuns: 25 },
    );
  });

  test("are listed with their size and SHA-256, and equal frames make equal files", () => {
    const file = write(frames, "a.seg");
    const bytes = readFileSync(join(folder, "a.seg"));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(file).toEqual({ name: "a.seg", sizeBytes: bytes.length, sha256 });
    expect(write(frames, "b.seg")).toEqual({ ...file, name: "b.seg" });
  });

  test("any flipped bit in any byte is noticed, and the file is named", () => {
    write(frames);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << (at % 8);
      writeFileSync(path, changed);
      const error = failure(() => readSegment(path));
      expect(error.code).toBe("CHECKPOINT_CORRUPT");
      expect(error.message).toMatch(/one\.seg is damaged at byte \d+: /);
      const offset = Number(/byte (\d+)/.exec(error.message)?.[1]);
      expect(offset).toBeLessThanOrEqual(at);
    }
  });

  test("a file cut anywhere, or one with something behind its end, is noticed", () => {
    write(frames);
    const bytes = readFileSync(path);
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(failure(() => readSegment(path)).code).toBe("CHECKPOINT_CORRUPT");
    }
    for (const extra of [Buffer.alloc(1), Buffer.alloc(64), bytes]) {
      writeFileSync(path, Buffer.concat([bytes, extra]));
      expect(failure(() => readSegment(path)).code).toBe("CHECKPOINT_CORRUPT");
    }
  });

  test("a whole frame taken out of the middle is noticed", () => {
    write(frames);
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 16), bytes.subarray(16 + 11)]));
    expect(failure(() => readSegment(path)).message).toBe(
      `${path} is damaged at byte 92: 2 frames instead of 3`,
    );
  });

  test("damage is located: the offset is where the bad frame begins", () => {
    write(frames);
    const bytes = readFileSync(path);
    bytes[16 + 11 + 8 + 8 + 30]! ^= 1; // in the third frame, after a header and two frames
    writeFileSync(path, bytes);
    expect(failure(() => readSegment(path)).message).toBe(
      `${path} is damaged at byte 35: the checksum of a frame of 60 bytes is wrong`,
    );
  });

  test("frames of a segment that was never sealed can be read up to the torn one", () => {
    const ends = [16, 27, 35, 103];
    write(frames);
    const bytes = readFileSync(path);
    for (let length = 16; length < 103 + 12; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      const whole = ends.filter((end) => end <= length).length - 1;
      const contents = readOpenSegment(path);
      expect(contents.frames).toHaveLength(whole);
      expect(contents.tornBytes).toBe(length - ends[whole]!);
    }
  });

  test("a missing file and one of a newer format say so", () => {
    const missing = failure(() => readSegment(join(folder, "none.seg")));
    expect(missing).toMatchObject({ code: "CHECKPOINT_CORRUPT" });
    expect(missing.message).toContain("none.seg");
    write(frames);
    const bytes = readFileSync(path);
    bytes.writeUInt32LE(2, 8);
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 12)), 12);
    writeFileSync(path, bytes);
    expect(failure(() => readSegment(path))).toMatchObject({
      code: "CHECKPOINT_INCOMPATIBLE",
      message: `${path} has format version 2; this version of troupe reads 1`,
    });
  });

  test("nothing is left behind by a writer that gave up, and nothing has its name before it is whole", () => {
    rmSync(path, { force: true });
    const before = readdirSync(folder);
    {
      using writer = new SegmentWriter(folder, "one.open");
      writer.append(new Uint8Array(10));
      writer.sync();
      expect(readdirSync(folder)).not.toContain("one.seg");
    }
    expect(readdirSync(folder)).toEqual(before);
  });

  test("a folder that is not there is a RunError that names the file", () => {
    const error = failure(() => new SegmentWriter(join(folder, "none"), "x.open"));
    expect(error.message).toContain(join("none", "x.open"));
  });
});
