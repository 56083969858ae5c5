import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporary } from "./fake-run.ts";

/** A git repository for one test, with one commit. */
export class ScratchRepository {
  readonly folder = temporary();

  constructor() {
    this.git("init", "--quiet");
    this.git("config", "user.name", "Test");
    this.git("config", "user.email", "test@example.org");
    this.write("readme", "first\n");
    this.git("add", "readme");
    this.git("commit", "--quiet", "--message", "first");
  }

  /** @throws Error with what git said when it fails. */
  git(...argv: readonly string[]): string {
    const options = { cwd: this.folder, encoding: "utf8" } as const;
    const { status, stdout, stderr } = spawnSync("git", argv, options);
    if (status !== 0) throw new Error(`git ${argv.join(" ")}: ${stderr}`);
    return stdout.trimEnd();
  }

  /** @returns Where the file is. */
  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }
}
