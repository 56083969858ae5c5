import { parseValue } from "../config/assignments.ts";
import { RunError } from "../errors.ts";

/** `name=value` of an environment's option, the value read as in `--set env.options.name=value`. */
export function parseOptionFlag(argument: string): [name: string, value: unknown] {
  const equals = argument.indexOf("=");
  if (equals < 1) {
    throw new RunError(
      "CONFIG_INVALID",
      `--option ${argument}: write name=value, as in frame_skip=2`,
    );
  }
  const name = argument.slice(0, equals).trim();
  return [name, parseValue(argument.slice(equals + 1), `env.options.${name}`)];
}

/** Gathers a flag that may be repeated. */
export function collectOption(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}
