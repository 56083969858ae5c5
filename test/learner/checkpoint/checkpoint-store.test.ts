import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RunError } from "../../../src/errors.ts";
import { CheckpointStore } from "../../../src/learner/checkpoint/checkpoint-store.ts";
import { openSnapshot } from "../../../src/learner/checkpoint/open-snapshot.ts";
import { contentsAt, openRunFolder, writeSegment } from "./contents.ts";

const corrupt = expect.objectContaining({ code: "CHECKPOINT_CORRUPT" });

function openStore(keep = 2): { runFolder: string; checkpoints: string; store: CheckpointStore } {
  const runFolder = openRunFolder();
  const store = new CheckpointStore({ runFolder, keep });
  return { runFolder, checkpoints: join(runFolder, "checkpoints"), store };
}

/** What `restore` gives for contents, apart from where it was found. */
function expected(step: number, replay: ReturnType<typeof writeSegment>[] = []): object {
  return { kind: "full", files: {}, ...contentsAt(step, replay) };
}

describe("CheckpointStore", () => {
  test("gives back what was written", () => {
    const { runFolder, store } = openStore();
    const segments = [writeSegment(runFolder, "0001.seg"), writeSegment(runFolder, "0002.seg")];
    const written = store.write(contentsAt(12, segments));
    expect(written.name).toBe("ckpt_000000012_24");
    const restored = new CheckpointStore({ runFolder, keep: 2 }).restore();
    expect(restored).toMatchObject(expected(12, segments));
    expect(restored?.warnings).toEqual([]);
  });

  test("writes nothing when the run has been taken over", () => {
    const runFolder = openRunFolder();
    let owner = true;
    const checkOwner = (): void => {
      if (!owner) throw new RunError("RUN_LOCKED", "taken over");
    };
    const store = new CheckpointStore({ runFolder, keep: 2, checkOwner });
    store.write(contentsAt(1));
    owner = false;
    const locked = expect.objectContaining({ code: "RUN_LOCKED" });
    expect(() => store.write(contentsAt(2))).toThrow(locked);
    expect(() => store.writeBest(contentsAt(2))).toThrow(locked);
    expect(readdirSync(join(runFolder, "checkpoints")).sort()).toEqual([
      "ckpt_000000001_2",
      "last",
    ]);
  });

  test("has nothing to restore before the first checkpoint", () => {
    expect(openStore().store.restore()).toBeUndefined();
  });

  test("restores the newest by steps, whatever their number of digits", () => {
    const { runFolder, store } = openStore(9);
    for (const step of [999_999_999, 1_000_000_000, 8]) store.write(contentsAt(step));
    expect(new CheckpointStore({ runFolder, keep: 9 }).restore()?.learnerStep).toBe(1_000_000_000);
  });

  test("keeps both cuts of one step and restores the second", () => {
    const { checkpoints, store } = openStore(2);
    for (let i = 0; i < 12; i++) {
      store.write({ ...contentsAt(5), json: { counters: { cut: i } } });
    }
    expect(store.restore()?.json).toEqual({ counters: { cut: 11 } });
    expect(readdirSync(checkpoints).sort()).toEqual([
      "ckpt_000000005_10-10",
      "ckpt_000000005_10-11",
      "last",
    ]);
  });

  test("keeps the newest N, the best and the milestones, and says where they are", () => {
    const { runFolder, checkpoints, store } = openStore(2);
    const { replay: _, ...snapshot } = contentsAt(3);
    store.writeBest(snapshot);
    store.writeMilestone(snapshot);
    for (let step = 1; step <= 5; step++) store.write(contentsAt(step));
    store.writeBest({ ...snapshot, learnerStep: 4, envSteps: 8 });
    expect(readdirSync(checkpoints).sort()).toEqual([
      "best",
      "best_000000004_8",
      "ckpt_000000004_8",
      "ckpt_000000005_10",
      "last",
    ]);
    expect(readdirSync(join(runFolder, "milestones"))).toEqual(["ckpt_000000003_6"]);
    expect(readFileSync(join(checkpoints, "last"), "utf8")).toBe("ckpt_000000005_10\n");
    expect(readFileSync(join(checkpoints, "best"), "utf8")).toBe("best_000000004_8\n");
    expect(openSnapshot(runFolder, "best")).toMatchObject({
      ...snapshot,
      learnerStep: 4,
      envSteps: 8,
      kind: "snapshot",
      replay: [],
    });
    expect(openSnapshot(runFolder, "last")).toMatchObject(expected(5));
  });

  test("removes replay segments when the last checkpoint that lists them goes, and no other", () => {
    const { runFolder, store } = openStore(2);
    const [a, b, c, d] = ["a.seg", "b.seg", "c.seg", "d.seg"].map((name) =>
      writeSegment(runFolder, name),
    ) as [File, File, File, File];
    const present = () => readdirSync(join(runFolder, "replay")).sort();
    store.write(contentsAt(1, [a, b]));
    store.write(contentsAt(2, [b, c]));
    expect(present()).toEqual(["a.seg", "b.seg", "c.seg", "d.seg"]);
    store.write(contentsAt(3, [c]));
    expect(present()).toEqual(["b.seg", "c.seg", "d.seg"]);
    store.write(contentsAt(4, [c, d]));
    expect(present()).toEqual(["c.seg", "d.seg"]);
    expect(store.restore()).toMatchObject(expected(4, [c, d]));
  });

  test("removes segments that a crash left unlisted, except those in use", () => {
    const { runFolder, store } = openStore();
    const listed = writeSegment(runFolder, "listed.seg");
    store.write(contentsAt(1, [listed]));
    for (const name of ["orphan.seg", "current.seg"]) writeSegment(runFolder, name);
    expect(store.removeUnlistedReplay(new Set(["replay/current.seg"]))).toEqual([
      "replay/orphan.seg",
    ]);
    expect(readdirSync(join(runFolder, "replay")).sort()).toEqual(["current.seg", "listed.seg"]);
  });

  test("removes unfinished folders when it is opened", () => {
    const { runFolder, checkpoints } = openStore();
    mkdirSync(join(checkpoints, ".tmp-ckpt_000000007_14"));
    writeFileSync(join(checkpoints, ".tmp-ckpt_000000007_14", "learner.safetensors"), "half");
    writeFileSync(join(checkpoints, ".tmp-last"), "");
    const store = new CheckpointStore({ runFolder, keep: 2 });
    expect(readdirSync(checkpoints)).toEqual([]);
    expect(store.restore()).toBeUndefined();
  });

  test("writes nothing when a part cannot be stored exactly", () => {
    const { checkpoints, store } = openStore();
    const bad = { ...contentsAt(1), json: { normalizer: { mean: [Number.NaN] } } };
    expect(() => store.write(bad)).toThrow("normalizer.mean[0] is NaN");
    const escaping = { ...contentsAt(1), files: { "../outside": Uint8Array.of(1) } };
    expect(() => store.write(escaping)).toThrow(TypeError);
    const twice = { ...contentsAt(1), files: { "rng.json": Uint8Array.of(1) } };
    expect(() => store.write(twice)).toThrow(TypeError);
    expect(readdirSync(checkpoints)).toEqual([]);
  });

  test("will not list a segment that is missing or has another size", () => {
    const { runFolder, checkpoints, store } = openStore();
    const segment = writeSegment(runFolder, "a.seg");
    expect(() => store.write(contentsAt(1, [{ ...segment, sizeBytes: 1 }]))).toThrow("a.seg");
    expect(() => store.write(contentsAt(1, [{ ...segment, path: "replay/b.seg" }]))).toThrow(
      "b.seg",
    );
    expect(readdirSync(checkpoints)).toEqual([]);
  });
});

type File = ReturnType<typeof writeSegment>;

describe("restoring from damage", () => {
  /** Two checkpoints with a segment each; only the newer is ever damaged. */
  function twoCheckpoints() {
    const opened = openStore(2);
    const older = writeSegment(opened.runFolder, "older.seg");
    const newer = writeSegment(opened.runFolder, "newer.seg");
    opened.store.write(contentsAt(100, [older]));
    const { name, folder } = opened.store.write(contentsAt(200, [older, newer]));
    const files = [
      ...readdirSync(folder).map((file) => join(folder, file)),
      join(opened.runFolder, newer.path),
    ];
    /** Undoes what a restore renamed. */
    const reset = () => {
      const aside = join(opened.checkpoints, `damaged_${name}`);
      cpSync(aside, folder, { recursive: true });
      rmSync(aside, { recursive: true });
    };
    return { ...opened, name, folder, files, reset, older };
  }

  test("falls back, loudly, over any flipped byte of any file", () => {
    const { store, files, reset, older } = twoCheckpoints();
    let flips = 0;
    for (const file of files) {
      const intact = readFileSync(file);
      const stride = Math.max(1, Math.floor(intact.length / 15));
      for (let offset = 0; offset < intact.length; offset += stride) {
        const damaged = Buffer.from(intact);
        damaged[offset] = damaged[offset]! ^ (1 << (offset % 8));
        writeFileSync(file, damaged);
        const restored = store.restore();
        expect(restored).toMatchObject(expected(100, [older]));
        expect(restored?.warnings).toHaveLength(1);
        reset();
        flips++;
      }
      writeFileSync(file, intact);
    }
    expect(flips).toBeGreaterThan(80);
    expect(store.restore()?.learnerStep).toBe(200);
  });

  test("falls back over a file that is cut short or gone, and names it", () => {
    const { store, files, reset, runFolder } = twoCheckpoints();
    for (const file of files) {
      const copy = join(runFolder, "copy");
      copyFileSync(file, copy);
      truncateSync(file, 10);
      expect(store.restore()?.warnings[0]).toContain(file.slice(file.lastIndexOf("/") + 1));
      reset();
      rmSync(file);
      expect(store.restore()?.learnerStep).toBe(100);
      reset();
      copyFileSync(copy, file);
    }
    expect(store.restore()?.learnerStep).toBe(200);
  });

  test("sets the damaged one aside, so that the run can come to its step again", () => {
    const { store, checkpoints, name, folder } = twoCheckpoints();
    rmSync(join(folder, "rng.json"));
    const warning = store.restore()?.warnings[0];
    expect(warning).toContain(`${name} is damaged (rng.json cannot be read: ENOENT)`);
    expect(warning).toContain("going on from ckpt_000000100_200");
    store.write(contentsAt(200));
    expect(store.restore()).toMatchObject(expected(200));
    expect(readdirSync(checkpoints)).toContain(`damaged_${name}`);
  });

  test("says of each checkpoint why none can be used, and changes nothing", () => {
    const { store, checkpoints, folder } = twoCheckpoints();
    rmSync(join(folder, "manifest.json"));
    truncateSync(join(checkpoints, "ckpt_000000100_200", "learner.safetensors"));
    const before = readdirSync(checkpoints);
    expect(() => store.restore()).toThrow(corrupt);
    expect(() => store.restore()).toThrow(/manifest.json.*learner.safetensors/);
    expect(readdirSync(checkpoints)).toEqual(before);
  });

  test("refuses a format from a newer version instead of falling back over it", () => {
    const { store, checkpoints, folder } = twoCheckpoints();
    const path = join(folder, "manifest.json");
    const text = readFileSync(path, "utf8").replace('"version": 1', '"version": 2');
    const body = text.slice(0, text.lastIndexOf(',\n  "sha256"'));
    const checksum = createHash("sha256").update(body).digest("hex");
    writeFileSync(path, `${body},\n  "sha256": "${checksum}"\n}\n`);
    const before = readdirSync(checkpoints);
    const refusal = expect.objectContaining({ code: "CHECKPOINT_INCOMPATIBLE" });
    expect(() => store.restore()).toThrow(refusal);
    expect(() => store.restore()).toThrow("checkpoint format 2 is newer");
    expect(readdirSync(checkpoints)).toEqual(before);
  });
});

describe("openSnapshot", () => {
  test("says what the run does not have yet", () => {
    const { runFolder } = openStore();
    const missing = expect.objectContaining({ code: "RUN_NOT_FOUND" });
    expect(() => openSnapshot(runFolder, "best")).toThrow(missing);
    expect(() => openSnapshot(join(runFolder, "nothing"), "last")).toThrow(missing);
  });

  test("finds the newest when a crash came before `last` was rewritten", () => {
    const { runFolder, checkpoints, store } = openStore();
    store.write(contentsAt(1));
    rmSync(join(checkpoints, "last"));
    expect(openSnapshot(runFolder, "last").learnerStep).toBe(1);
  });
});
