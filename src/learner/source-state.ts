import { spawnSync } from "node:child_process";

/** The source tree a run was started from. */
export interface SourceState {
  readonly commit: string;
  /** Changes to tracked files that are not committed; empty when there are none. */
  readonly diff: string;
}

/** Undefined outside of a git work tree, or where there is no git. */
export function readSourceState(folder: string): SourceState | undefined {
  const git = (...argv: readonly string[]): string | undefined => {
    const { status, stdout } = spawnSync("git", argv, {
      cwd: folder,
      encoding: "utf8",
      timeout: 5_000,
      maxBuffer: 64 * 2 ** 20,
    });
    return status === 0 ? stdout : undefined;
  };
  const commit = git("rev-parse", "HEAD")?.trim();
  if (commit === undefined) return undefined;
  return { commit, diff: git("diff", "HEAD", "--no-ext-diff", "--no-color") ?? "" };
}
