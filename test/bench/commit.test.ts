import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commitFiles } from "../../bench/campaign/commit.ts";
import { ScratchRepository } from "./scratch-repository.ts";

describe("commitFiles", () => {
  test("commits these files and leaves everything else as it is", async () => {
    const repository = new ScratchRepository();
    const file = repository.write("result.json", "1\n");
    repository.write("staged", "");
    repository.git("add", "staged");
    repository.write("readme", "changed\n");
    repository.write("untracked", "");
    const name = await commitFiles([file], "bench: x, 1 of 2 runs\n\na: 1");
    expect(repository.git("log", "-1", "--format=%h %s")).toBe(`${name} bench: x, 1 of 2 runs`);
    expect(repository.git("show", "--name-only", "--format=", "HEAD")).toBe("result.json");
    expect(repository.git("status", "--short")).toBe(" M readme\nA  staged\n?? untracked");
  });

  test("makes no empty commit", async () => {
    const repository = new ScratchRepository();
    const file = repository.write("result.json", "1\n");
    await expect(commitFiles([file], "one")).resolves.toBeDefined();
    await expect(commitFiles([file], "two")).resolves.toBeUndefined();
    expect(repository.git("log", "-1", "--format=%s")).toBe("one");
  });

  test("waits for a command that holds the repository's lock", async () => {
    const repository = new ScratchRepository();
    const file = repository.write("result.json", "1\n");
    const lock = repository.write(".git/index.lock", "");
    const committed = commitFiles([file], "one");
    setTimeout(() => rmSync(lock), 300);
    await expect(committed).resolves.toBeDefined();
  });

  test.each(["MERGE_HEAD", "rebase-merge"])("refuses while there is %s", async (obstacle) => {
    const repository = new ScratchRepository();
    const file = repository.write("result.json", "1\n");
    mkdirSync(join(repository.folder, ".git", obstacle));
    await expect(commitFiles([file], "one")).rejects.toThrow(obstacle);
  });
});
