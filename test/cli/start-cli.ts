import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { CliResult } from "./run-cli.ts";

/** Like `runCli`, for what talks to this process while it runs; in any folder. */
export async function startCli(argv: readonly string[], cwd = process.cwd()): Promise<CliResult> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("TROUPE_"));
  const child = spawn(process.execPath, [resolve("dist/cli.js"), ...argv], {
    cwd,
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((done) => child.once("close", done));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, stdout, stderr };
}
