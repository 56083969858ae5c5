import type { Command } from "@commander-js/extra-typings";
import pc from "picocolors";
import { loadConfig } from "../config/load.ts";
import { type Check, runChecks } from "./doctor-checks.ts";
import { CommandExit, exitCodes } from "./exit.ts";

/** `troupe doctor`: is everything here that a run needs? */
export function addDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .description("check this machine: Node, CPUs, memory, physics, inference, ports, disk, clock")
    .option("-c, --config <file>", "check what this configuration needs")
    .option("--json", "print JSON")
    .action(async ({ config: file, json }) => {
      const { config } = await loadConfig({ file, environment: process.env });
      const checks = await runChecks(config);
      const ok = checks.every(({ status }) => status !== "fail");
      if (json) console.log(JSON.stringify({ ok, checks }, null, 2));
      else console.log(checks.map(line).join("\n"));
      if (!ok) throw new CommandExit(exitCodes.failure);
    });
}

const COLOURS = { ok: pc.green, warn: pc.yellow, fail: pc.red };

function line({ name, status, detail, fix }: Check): string {
  const first = `${COLOURS[status](status.padEnd(4))}  ${name.padEnd(10)}  ${detail}`;
  return fix === undefined ? first : `${first}\n      ${" ".repeat(10)}  fix: ${fix}`;
}
