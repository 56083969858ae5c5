import { RunError } from "../errors.ts";

export type SayOfDisk = (level: "info" | "warn", message: string) => void;

/**
 * Lets a run go on while its disk is full: what it records besides checkpoints then has a gap. Says so
 * when that begins, and when all that failed can be written again.
 */
export class DiskWatch {
  readonly #say: SayOfDisk;
  /** What could not be written when it was last tried. */
  readonly #failing = new Set<string>();

  constructor(say: SayOfDisk) {
    this.#say = say;
  }

  /**
   * Calls `write`, which may fail for lack of room.
   *
   * @param name Of what is written: the same for the same file.
   * @throws Whatever `write` throws, but for DISK_FULL.
   */
  attempt(name: string, write: () => void): void {
    try {
      write();
    } catch (thrown) {
      const error = RunError.from(thrown);
      if (error.code !== "DISK_FULL") throw thrown;
      if (this.#failing.size === 0) {
        this.#say(
          "warn",
          `${error.message}; the run goes on, its records have a gap until there is`,
        );
      }
      this.#failing.add(name);
      return;
    }
    if (this.#failing.delete(name) && this.#failing.size === 0) {
      this.#say("info", "there is room on the disk again");
    }
  }
}
