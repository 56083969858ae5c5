import { Option } from "@commander-js/extra-typings";
import { logFormats, logLevels } from "../metrics/log.ts";

export const logFormatOption = new Option("--log-format <format>", "how log lines look on stderr")
  .choices(logFormats)
  .default("auto" as const)
  .env("TROUPE_LOG_FORMAT");

export const logLevelOption = new Option("--log-level <level>", "least severe line that is shown")
  .choices(logLevels)
  .default("info" as const)
  .env("TROUPE_LOG_LEVEL");
