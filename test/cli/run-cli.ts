import { spawnSync } from "node:child_process";

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line in a process of its own, without this one's TROUPE_ variables. */
export function runCli(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): CliResult {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("TROUPE_"));
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/cli.js", ...argv], {
    encoding: "utf8",
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...environment },
  });
  return { code: status, stdout, stderr };
}
