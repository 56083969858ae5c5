import { mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { RunError } from "../../errors.ts";
import { isLogFile } from "../../replay/log/log-names.ts";
import {
  removeFolder,
  replaceDurable,
  syncPath,
  temporaryPrefix,
  writeFailure,
} from "../../storage/durable-files.ts";
import {
  type CheckpointName,
  listCheckpoints,
  listFolder,
  type NamePrefix,
  nextName,
} from "./checkpoint-names.ts";
import type { CheckpointFile } from "./manifest.ts";
import { type Checkpoint, readCheckpoint, readManifest, verifyReplay } from "./read-checkpoint.ts";
import {
  type CheckpointContents,
  encodeContents,
  type SnapshotContents,
  writeFolder,
} from "./write-checkpoint.ts";

export interface CheckpointStoreOptions {
  readonly runFolder: string;
  /** Full checkpoints kept, at least 1. */
  readonly keep: number;
  /** Throws when the run has been taken over by another process; asked before anything is written. */
  readonly checkOwner?: () => void;
}

export interface WrittenCheckpoint {
  readonly name: string;
  readonly folder: string;
  /** Of the checkpoint's own files, replay segments not counted. */
  readonly sizeBytes: number;
}

export interface RestoredCheckpoint extends Checkpoint {
  /** One sentence for each damaged checkpoint that was passed over; the user must see them. */
  readonly warnings: readonly string[];
}

type Role = "full" | "best" | "milestone";
type PointerName = "last" | "best";

interface Damaged {
  readonly name: string;
  readonly reason: string;
}

/**
 * The checkpoints of one run. Synchronous, since it works in the learner's thread between updates.
 *
 *     RUN/checkpoints/ckpt_*   full cuts, the newest `keep` of them
 *     RUN/checkpoints/best_*   the best evaluated snapshot, without replay
 *     RUN/checkpoints/last, best   files that hold the name of a folder beside them
 *     RUN/milestones/ckpt_*    snapshots kept for good
 *     RUN/replay/*             immutable segments that full cuts list; the log's own come and go by its rules
 *
 * A folder appears under its name only by a rename, after everything in it is on the disk; it
 * disappears the same way. So a crash at any moment leaves complete checkpoints and `.tmp-` leftovers,
 * and the newest complete one is at least as new as the last `write` that returned.
 *
 * One store writes a run at a time; readers in other processes need no lock.
 */
export class CheckpointStore {
  readonly #runFolder: string;
  readonly #keep: number;
  readonly #checkOwner: () => void;
  /** Segments known to be on the disk. */
  readonly #syncedReplay = new Set<string>();

  /**
   * Makes the folders and removes what a crash left unfinished.
   * @throws RunError DISK_FULL.
   */
  constructor(options: CheckpointStoreOptions) {
    if (!(options.keep >= 1)) throw new RangeError(`keep ${options.keep}`);
    this.#runFolder = options.runFolder;
    this.#keep = options.keep;
    this.#checkOwner = options.checkOwner ?? (() => undefined);
    attempt("opening the checkpoints", () => {
      for (const folder of [this.#checkpoints, this.#milestones]) {
        mkdirSync(folder, { recursive: true });
        this.#removeLeftovers(folder);
      }
      syncPath(this.#runFolder);
    });
  }

  /**
   * Writes a full cut, makes it `last`, and removes the ones too many with the replay segments that
   * only they listed.
   *
   * @throws RunError DISK_FULL when there is no room: what was there before stays valid. RUN_LOCKED when
   *   the run is another process's by now.
   * @throws TypeError when something cannot be stored exactly, before anything is written.
   */
  write(contents: CheckpointContents): WrittenCheckpoint {
    const written = this.#commit("full", contents);
    attempt("removing old checkpoints", () => this.#removeOldest());
    return written;
  }

  /** Writes the best evaluated snapshot so far, makes it `best`, and removes the one before. */
  writeBest(snapshot: SnapshotContents): WrittenCheckpoint {
    const written = this.#commit("best", snapshot);
    attempt("removing the best checkpoint before", () => {
      for (const { name } of listCheckpoints(this.#checkpoints, "best")) {
        if (name !== written.name) removeFolder(join(this.#checkpoints, name));
      }
    });
    return written;
  }

  /** Writes a snapshot that is never removed. */
  writeMilestone(snapshot: SnapshotContents): WrittenCheckpoint {
    return this.#commit("milestone", snapshot);
  }

  /**
   * The newest full cut that is intact, its replay segments included, or undefined when the run has
   * none yet. Damaged ones newer than it are renamed to `damaged_*` and named in `warnings`.
   *
   * @throws RunError CHECKPOINT_CORRUPT when there are some and none is intact,
   *   CHECKPOINT_INCOMPATIBLE when the newest was written by a newer troupe. Nothing is changed then.
   */
  restore(): RestoredCheckpoint | undefined {
    const damaged: Damaged[] = [];
    for (const { name } of listCheckpoints(this.#checkpoints, "ckpt")) {
      const found = tryRead(() => this.#read(name));
      if (found.value === undefined) damaged.push({ name, reason: found.reason });
      else
        return { ...found.value, warnings: damaged.map((bad) => this.#passOver(bad, found.value)) };
    }
    if (damaged.length === 0) return undefined;
    const list = damaged.map(({ name, reason }) => `${name} (${reason})`).join(", ");
    throw new RunError("CHECKPOINT_CORRUPT", `no checkpoint is intact: ${list}`);
  }

  /**
   * Removes files of `RUN/replay` that neither a full cut lists nor the caller still uses: what a
   * crash left between writing a segment and the checkpoint that would have listed it. The log of
   * accepted frames looks after its files itself.
   *
   * @param inUse Paths relative to the run folder.
   * @returns the paths removed.
   */
  removeUnlistedReplay(inUse: ReadonlySet<string>): string[] {
    const listed = this.#listedReplay(listCheckpoints(this.#checkpoints, "ckpt"));
    const removed: string[] = [];
    for (const name of listFolder(join(this.#runFolder, "replay"))) {
      const path = `replay/${name}`;
      if (listed.has(path) || inUse.has(path) || isLogFile(name)) continue;
      rmSync(join(this.#runFolder, path));
      removed.push(path);
    }
    return removed;
  }

  /** Every replay segment that a full cut lists, as paths relative to the run folder. */
  listedReplay(): ReadonlySet<string> {
    return this.#listedReplay(listCheckpoints(this.#checkpoints, "ckpt"));
  }

  get #checkpoints(): string {
    return join(this.#runFolder, "checkpoints");
  }

  get #milestones(): string {
    return join(this.#runFolder, "milestones");
  }

  #commit(role: Role, contents: SnapshotContents | CheckpointContents): WrittenCheckpoint {
    const { parent, prefix, pointer } = this.#place(role);
    const name = nextName(parent, prefix, contents);
    const folder = join(parent, name);
    const temporary = join(parent, `${temporaryPrefix}${name}`);
    const encoded = encodeContents(contents);
    this.#checkOwner();
    try {
      writeFolder(temporary, encoded);
      if ("replay" in contents) this.#syncReplay(contents.replay);
      renameSync(temporary, folder);
      syncPath(parent);
      if (pointer !== undefined) replaceDurable(join(parent, pointer), `${name}\n`);
    } catch (thrown) {
      this.#removeLeftovers(parent);
      throw writeFailure(`checkpoint ${name}`, thrown);
    }
    return { name, folder, sizeBytes: encoded.sizeBytes };
  }

  #place(role: Role): { parent: string; prefix: NamePrefix; pointer?: PointerName } {
    switch (role) {
      case "full":
        return { parent: this.#checkpoints, prefix: "ckpt", pointer: "last" };
      case "best":
        return { parent: this.#checkpoints, prefix: "best", pointer: "best" };
      case "milestone":
        return { parent: this.#milestones, prefix: "ckpt" };
    }
  }

  #removeLeftovers(folder: string): void {
    for (const name of listFolder(folder)) {
      if (name.startsWith(temporaryPrefix)) rmSync(join(folder, name), { recursive: true });
    }
  }

  /** Waits until the disk has every segment and the folder's entry for it. */
  #syncReplay(replay: readonly CheckpointFile[]): void {
    const fresh = replay.filter(({ path }) => !this.#syncedReplay.has(path));
    for (const { path, sizeBytes } of fresh) {
      const file = join(this.#runFolder, path);
      const found = statSync(file).size;
      if (found !== sizeBytes) throw new Error(`${path} has ${found} bytes, not ${sizeBytes}`);
      syncPath(file);
      this.#syncedReplay.add(path);
    }
    if (fresh.length > 0) syncPath(join(this.#runFolder, "replay"));
  }

  #removeOldest(): void {
    const all = listCheckpoints(this.#checkpoints, "ckpt");
    const removed = all.slice(this.#keep);
    if (removed.length === 0) return;
    const candidates = this.#listedReplay(removed);
    for (const { name } of removed) removeFolder(join(this.#checkpoints, name));
    const retained = this.#listedReplay(all.slice(0, this.#keep));
    for (const path of candidates) {
      if (retained.has(path)) continue;
      this.#syncedReplay.delete(path);
      if (!isLogFile(basename(path))) rmSync(join(this.#runFolder, path), { force: true });
    }
  }

  /** Every segment that one of these lists; a manifest that cannot be read lists none. */
  #listedReplay(checkpoints: readonly CheckpointName[]): Set<string> {
    const manifests = checkpoints.flatMap(
      ({ name }) => tryRead(() => readManifest(join(this.#checkpoints, name))).value ?? [],
    );
    return new Set(manifests.flatMap(({ replay }) => replay.map(({ path }) => path)));
  }

  #read(name: string): Checkpoint {
    const checkpoint = readCheckpoint(join(this.#checkpoints, name));
    verifyReplay(this.#runFolder, checkpoint.replay);
    return checkpoint;
  }

  /** Renames a damaged checkpoint, so that the run can come to its step again, and says so. */
  #passOver(damaged: Damaged, chosen: Checkpoint): string {
    const { name, reason } = damaged;
    const aside = join(this.#checkpoints, `damaged_${name}`);
    rmSync(aside, { recursive: true, force: true });
    renameSync(join(this.#checkpoints, name), aside);
    syncPath(this.#checkpoints);
    return (
      `checkpoint ${name} is damaged (${reason}) and was renamed to damaged_${name}; ` +
      `going on from ${chosen.name}, learner step ${chosen.learnerStep}`
    );
  }
}

function attempt(what: string, change: () => void): void {
  try {
    change();
  } catch (thrown) {
    throw writeFailure(what, thrown);
  }
}

/** The value, or why it is damaged; any other failure is thrown. */
function tryRead<T>(
  read: () => T,
): { readonly value: T } | { readonly value?: never; readonly reason: string } {
  try {
    return { value: read() };
  } catch (thrown) {
    if (!(thrown instanceof RunError && thrown.code === "CHECKPOINT_CORRUPT")) throw thrown;
    return { reason: thrown.message };
  }
}
