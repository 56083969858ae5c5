import { existsSync } from "node:fs";
import type { Command } from "@commander-js/extra-typings";
import type { CheckFigures, CheckReport, Finding } from "../envs/check/finding.ts";
import { RunError } from "../errors.ts";
import { wholeNumber } from "./arguments.ts";
import { CommandExit, exitCodes } from "./exit.ts";
import { collectOption, parseOptionFlag } from "./option-flag.ts";

/** `troupe env check`. */
export function addEnvCheckCommand(env: Command): void {
  env
    .command("check")
    .description("examine an environment: spaces, numbers, determinism, snapshots, memory, cost")
    .argument("<env>", "environment id or file")
    .option(
      "-o, --option <name=value>",
      "option of the environment; may be repeated",
      collectOption,
      [],
    )
    .option("--steps <count>", "steps looked at one by one", wholeNumber(1), 5000)
    .option("--seconds <count>", "time for all of it", wholeNumber(1), 20)
    .option(
      "--call-timeout <seconds>",
      "a call that takes longer never returns",
      wholeNumber(1),
      10,
    )
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExit codes: 0 no errors, 1 errors were found, 2 there is no such environment.",
    )
    .action(check);
}

interface CheckFlags {
  readonly option: readonly string[];
  readonly steps: number;
  readonly seconds: number;
  readonly callTimeout: number;
  readonly json?: true | undefined;
}

async function check(id: string, flags: CheckFlags): Promise<void> {
  const { checkInThread } = await import("../envs/check/check-thread.ts");
  const { isExternal } = await import("../envs/external.ts");
  await assertExists(id);
  if (isExternal(id)) {
    const text = `${id} is stepped by actors elsewhere; here there is nothing to examine`;
    throw new RunError("CONFIG_INVALID", text);
  }
  const report = await checkInThread({
    id,
    options: Object.fromEntries(flags.option.map(parseOptionFlag)),
    steps: flags.steps,
    seconds: flags.seconds,
    callTimeoutSeconds: flags.callTimeout,
    maxHeapMegabytes: 1024,
  });
  console.log(flags.json ? JSON.stringify(report, null, 2) : reportText(report));
  if (!report.ok) throw new CommandExit(exitCodes.failure);
}

/**
 * What cannot even be found is a matter of the command line. The code of a file is not: it is run in the thread alone.
 * @throws RunError ENV_UNKNOWN, CONFIG_INVALID
 */
async function assertExists(id: string): Promise<void> {
  const { isEnvFile } = await import("../envs/env-file.ts");
  const { findEnv } = await import("../envs/registry.ts");
  if (!isEnvFile(id)) await findEnv(id);
  else if (!existsSync(id)) throw new RunError("CONFIG_INVALID", `there is no file ${id}`);
}

/** What people read. */
function reportText({ env, ok, findings, figures, seconds }: CheckReport): string {
  const order = { error: 0, warning: 1, note: 2 };
  const sorted = findings.toSorted((a, b) => order[a.severity] - order[b.severity]);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const verdict = ok ? "no errors" : `${errors} ${errors === 1 ? "error" : "errors"}`;
  return [
    ...sorted.map(findingText),
    `${env}: ${verdict}, ${findings.length - errors} other findings in ${seconds.toFixed(1)} s`,
    figuresText(figures),
  ].join("\n");
}

function findingText({ severity, check: name, what, where, fix }: Finding): string {
  const isSaid = where === null || what.includes(`seed ${where.seed}`);
  const place = isSaid ? "" : ` (seed ${where.seed}, step ${where.step})`;
  return `${severity} [${name}] ${what}${place}\n    ${fix}`;
}

function figuresText(figures: CheckFigures): string {
  const { steps, episodes, meanEpisodeLength, stepMicros, resetMicros, bytesPerReset } = figures;
  const length = meanEpisodeLength === null ? "" : ` of ${meanEpisodeLength.toFixed(0)} steps`;
  return [
    `${steps} steps, ${episodes} episodes${length}`,
    ...(stepMicros === null ? [] : [`${stepMicros.toFixed(1)} us a step`]),
    ...(resetMicros === null ? [] : [`${resetMicros.toFixed(1)} us a reset`]),
    ...(bytesPerReset === null ? [] : [`${bytesPerReset} bytes stay after a reset`]),
  ].join(", ");
}
