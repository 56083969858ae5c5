import pino, { type Logger } from "pino";
import { build as prettyStream } from "pino-pretty";

export type LogFormat = "auto" | "pretty" | "json";
export const logFormats = ["auto", "pretty", "json"] as const satisfies readonly LogFormat[];
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export type { Logger } from "pino";

export interface LogOptions {
  readonly format: LogFormat;
  readonly level: string;
  /** Usually `process.stderr`. */
  readonly stream: NodeJS.WriteStream;
  /** log.jsonl of the run folder; none for commands without one. */
  readonly file?: string;
}

/** Writes lines of text for a person or JSON for a machine on `stream`, and JSON to `file`. */
export function openLog({ format, level, stream, file }: LogOptions): Logger {
  const isPretty = format === "pretty" || (format === "auto" && stream.isTTY);
  const screen = isPretty
    ? prettyStream({
        destination: stream,
        colorize: hasColour(stream),
        translateTime: "SYS:HH:MM:ss",
        ignore: "pid,hostname",
      })
    : stream;
  const streams: pino.StreamEntry[] = [{ level: level as pino.Level, stream: screen }];
  // Synchronous, so that what was logged before a crash is there to read.
  if (file) streams.push({ level: "debug", stream: pino.destination({ dest: file, sync: true }) });
  return pino(
    { level: file ? "trace" : level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.multistream(streams),
  );
}

/** NO_COLOR and FORCE_COLOR are obeyed; else it is for terminals. */
export function hasColour(
  stream: NodeJS.WriteStream,
  environment: NodeJS.ProcessEnv = process.env,
): boolean {
  if (environment["NO_COLOR"]) return false;
  if (environment["FORCE_COLOR"]) return environment["FORCE_COLOR"] !== "0";
  return stream.isTTY && environment["TERM"] !== "dumb";
}
