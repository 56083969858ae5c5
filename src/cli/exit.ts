import { CommanderError } from "commander";
import { type ErrorCode, RunError } from "../errors.ts";

/** What the process ends with; the README's table. */
export const exitCodes = {
  done: 0,
  failure: 1,
  /** The command line or the configuration was wrong. */
  usage: 2,
  /** A threshold the user gave was not met. */
  threshold: 3,
  /** Stopped early with a checkpoint written: run me again. EX_TEMPFAIL of sysexits.h. */
  again: 75,
  /** Ctrl-C. */
  interrupted: 130,
  /** SIGTERM, and the drain took too long. */
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Thrown by a command that has said all there is to say and ends with a code of its own. */
export class CommandExit extends Error {
  readonly code: ExitCode;

  constructor(code: ExitCode) {
    super(`exit ${code}`);
    this.code = code;
  }
}

const USAGE_ERRORS: readonly ErrorCode[] = [
  "CONFIG_INVALID",
  "ENV_UNKNOWN",
  "RUN_EXISTS",
  "RUN_NOT_FOUND",
  "CHECKPOINT_INCOMPATIBLE",
];

/** The code for anything a command may throw. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof CommandExit) return thrown.code;
  // Help and version are errors to commander, too, but with code 0.
  if (thrown instanceof CommanderError)
    return thrown.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  return USAGE_ERRORS.includes(RunError.from(thrown).code) ? exitCodes.usage : exitCodes.failure;
}

/** What to tell the user; nothing when it was said already. */
export function errorText(thrown: unknown): string | undefined {
  if (thrown instanceof CommandExit || thrown instanceof CommanderError) return undefined;
  const error = RunError.from(thrown);
  const lines = error.message.split("\n").map((line) => `error: ${line}`);
  // Only what was not foreseen needs a stack.
  const cause = error.cause instanceof Error ? error.cause : error;
  if (error.code === "INTERNAL" && cause.stack) lines.push(cause.stack);
  return lines.join("\n");
}
