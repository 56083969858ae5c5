import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CheckpointStore } from "../../../src/learner/checkpoint/checkpoint-store.ts";
import { LogArchive } from "../../../src/replay/log/log-archive.ts";
import { listSealed, oldestListed } from "../../../src/replay/log/log-names.ts";
import { SealBarrier } from "../../../src/replay/log/seal-barrier.ts";
import { Replay } from "../../../src/replay/replay.ts";
import { encodeUnroll } from "../../../src/replay/unroll-codec.ts";
import { join_, openLog, root } from "./log-scenario.ts";
import { checkpointOf, OPTIONS, unrollOf } from "./numbered-unrolls.mjs";

afterAll(() => rmSync(root, { recursive: true }));

/** These tests seal the log themselves. */
class NoBarrier extends SealBarrier {
  constructor() {
    super(SealBarrier.allocate());
  }

  override seal(): void {}
}

interface WrittenRun {
  readonly runFolder: string;
  readonly folder: string;
  /** Digests of replay at the checkpoints, oldest first. */
  readonly digests: readonly string[];
}

/** A run of 30 unrolls, with a checkpoint after every tenth, two of them kept. */
async function writeRun(): Promise<WrittenRun> {
  const runFolder = mkdtempSync(join(root, "run-"));
  const folder = join(runFolder, "replay");
  const store = new CheckpointStore({ runFolder, keep: 2 });
  const archive = new LogArchive(folder, new NoBarrier());
  const replay = new Replay(OPTIONS);
  const digests: string[] = [];
  await using opened = await openLog(folder);
  opened.log.append(join_(0));
  for (let i = 0; i < 30; i++) {
    const payload = encodeUnroll(unrollOf(i), OPTIONS);
    opened.log.append({ kind: "unroll", slot: 0, incarnation: 1, sequence: i, payload });
    replay.insert(unrollOf(i));
    if (i % 10 !== 9) continue;
    await opened.log.rotate();
    store.write(checkpointOf(i + 1, archive.save(replay)));
    digests.push(replay.digest());
  }
  return { runFolder, folder, digests };
}

describe("checkpoints and the log", () => {
  test("the store leaves the log's files alone, listed or not, and says which are", async () => {
    const { runFolder, folder } = await writeRun();
    const names = readdirSync(folder);
    expect(names).toHaveLength(3);
    writeFileSync(join(folder, "unrolls-000000000000-0000000000000000.seg"), "left over");
    const store = new CheckpointStore({ runFolder, keep: 2 });
    expect(store.removeUnlistedReplay(new Set())).toEqual([
      "replay/unrolls-000000000000-0000000000000000.seg",
    ]);
    expect(readdirSync(folder)).toEqual(names);
    // The ring holds about 20 steps, 8 unrolls: each cut needs one segment.
    const listed = listSealed(folder).slice(1);
    expect([...store.listedReplay()].sort()).toEqual(listed.map(({ name }) => `replay/${name}`));
    expect(oldestListed(store.listedReplay())).toBe(10);
  });

  test("damage to what the newest checkpoint lists costs that checkpoint and the log after the one before", async () => {
    const { runFolder, folder, digests } = await writeRun();
    const newest = listSealed(folder).at(-1)!;
    const path = join(folder, newest.name);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);

    const restored = new CheckpointStore({ runFolder, keep: 2 }).restore();
    expect(restored?.learnerStep).toBe(20);
    expect(restored?.warnings).toEqual([expect.stringContaining(newest.name)]);
    const archive = new LogArchive(folder, new NoBarrier());
    const replay = archive.restore(OPTIONS, restored?.json["replay"]);
    expect(replay.digest()).toBe(digests[1]);

    await using opened = await openLog(folder, { cut: replay.ring.position.nextBlock });
    expect(opened.recovered).toMatchObject({
      end: 20,
      cursors: [{ slot: 0, incarnation: 1, next: 20 }],
      warnings: [expect.stringMatching(/is damaged at byte \d+: .*from unroll 20 on/)],
    });
  });

  test("without damage the log after the cut is what came after it", async () => {
    const { runFolder, folder, digests } = await writeRun();
    const [newest = ""] = readdirSync(join(runFolder, "checkpoints")).filter((name) =>
      name.startsWith("ckpt_000000030"),
    );
    rmSync(join(runFolder, "checkpoints", newest), { recursive: true });
    const restored = new CheckpointStore({ runFolder, keep: 2 }).restore();
    const archive = new LogArchive(folder, new NoBarrier());
    const replay = archive.restore(OPTIONS, restored?.json["replay"]);
    await using opened = await openLog(folder, { cut: 20 });
    for (const { index } of opened.log.unrolls(20, opened.recovered.end)) {
      replay.insert(unrollOf(index));
    }
    expect(replay.digest()).toBe(digests[2]);
  });
});
