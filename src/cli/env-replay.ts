import { readFile } from "node:fs/promises";
import type { Command } from "@commander-js/extra-typings";
import type { EnvFailure } from "../envs/failure/env-failure.ts";
import { RunError } from "../errors.ts";
import { CommandExit, exitCodes } from "./exit.ts";

/** `troupe env replay`. */
export function addEnvReplayCommand(env: Command): void {
  env
    .command("replay")
    .description("make an environment fail again, from a run's env-failures folder")
    .argument("<file>", "what was saved when it failed")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExit codes: 0 it failed again at the same step, 1 it did not.")
    .action(replay);
}

async function replay(file: string, { json }: { readonly json?: true | undefined }): Promise<void> {
  const { parseEnvFailure } = await import("../envs/failure/env-failure.ts");
  const { replayFailure } = await import("../envs/failure/replay-failure.ts");
  const failure = parseEnvFailure(await read(file), file);
  if (!json) console.log(introduction(failure));
  const outcome = await replayFailure(failure);
  if (json) console.log(JSON.stringify({ file, ...outcome }, null, 2));
  else console.log(`${outcome.reproduced ? "again" : "not again"}: ${outcome.message}`);
  if (!outcome.reproduced) throw new CommandExit(exitCodes.failure);
}

/** Said first: a step that hangs will let nothing be said after it. */
function introduction({ env, message, actions, start, during }: EnvFailure): string {
  const from =
    start.snapshot === null ? "a reset with the same seed" : `the state at step ${start.step}`;
  const last = during === "step" ? "the last of which failed" : "and the reset that failed";
  return `${env.id}\nthen:  ${message}\nnow:   ${actions.length} actions from ${from}, ${last}`;
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    throw new RunError("CONFIG_INVALID", RunError.from(thrown).message, { cause: thrown });
  }
}
