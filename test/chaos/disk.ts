import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";

/** A file system of its own, in memory, small enough to be filled up. */
export class SmallDisk implements Disposable {
  readonly folder: string;

  /** @throws Error without the right to mount. */
  constructor(folder: string, megabytes: number) {
    mkdirSync(folder, { recursive: true });
    const { status, stderr } = spawnSync(
      "mount",
      ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`mount: ${stderr}`);
    this.folder = folder;
  }

  /** Lazily: whoever still uses it does not keep it in the way. */
  [Symbol.dispose](): void {
    spawnSync("umount", ["-l", this.folder]);
  }
}

/** Why this machine has no small disks, or undefined when it has. */
export function whyNoSmallDisk(): string | undefined {
  return process.getuid?.() === 0 ? undefined : "mounting a file system needs root";
}
