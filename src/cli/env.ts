import type { Command } from "@commander-js/extra-typings";
import { addEnvCheckCommand } from "./env-check.ts";
import { addEnvListCommand } from "./env-list.ts";
import { addEnvReplayCommand } from "./env-replay.ts";
import { addEnvShowCommand } from "./env-show.ts";

/** `troupe env list | show | check | replay`. */
export function addEnvCommand(program: Command): void {
  const env = program
    .command("env")
    .description("list, describe and examine environments; repeat their failures");
  addEnvListCommand(env);
  addEnvShowCommand(env);
  addEnvCheckCommand(env);
  addEnvReplayCommand(env);
}
