import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** While git is in the middle of these, a commit would end up inside of them. */
const UNDER_WAY = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"];

/** Somebody else's command in the same repository is over soon. */
const [ATTEMPTS, PAUSE_MS] = [20, 500];

/**
 * Commits these files of one folder and nothing else, whatever is staged or changed besides.
 * @returns The commit's short name; undefined when they are as they were.
 * @throws Error when git refuses, or is in the middle of a merge or a rebase.
 */
export async function commitFiles(
  files: readonly string[],
  message: string,
): Promise<string | undefined> {
  const [first = "."] = files;
  const git = (...argv: readonly string[]): Promise<string> => patient(dirname(first), argv);
  const folder = await git("rev-parse", "--absolute-git-dir");
  const obstacle = UNDER_WAY.find((name) => existsSync(join(folder, name)));
  if (obstacle !== undefined) throw new Error(`git is in the middle of something: ${obstacle}`);
  await git("add", "--", ...files);
  if ((await git("diff", "--cached", "--name-only", "--", ...files)) === "") return undefined;
  await git("commit", "--quiet", "--only", "--message", message, "--", ...files);
  return await git("rev-parse", "--short", "HEAD");
}

/** Waits for the repository's lock, within reason. */
async function patient(cwd: string, argv: readonly string[], attempt = 1): Promise<string> {
  try {
    return (await run("git", argv, { cwd })).stdout.trim();
  } catch (thrown) {
    const said = (thrown as { stderr?: string }).stderr ?? String(thrown);
    if (!/\.lock/.test(said) || attempt === ATTEMPTS) {
      throw new Error(`git ${argv[0]}: ${said.trim()}`, { cause: thrown });
    }
  }
  await sleep(PAUSE_MS);
  return await patient(cwd, argv, attempt + 1);
}
