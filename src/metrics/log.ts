import pino, { type Logger } from "pino";
import { prettyFactory } from "pino-pretty";

export type LogFormat = "auto" | "pretty" | "json";
export const logFormats = ["auto", "pretty", "json"] as const satisfies readonly LogFormat[];
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export type { Logger } from "pino";

export interface LogOptions {
  readonly format: LogFormat;
  readonly level: string;
  /** Usually `process.stderr`. */
  readonly stream: NodeJS.WriteStream;
  /** Takes the text instead of `stream`, when something else is drawn there: `Progress.print`. */
  readonly print?: (text: string) => void;
  /** log.jsonl of the run folder; none for commands without one. */
  readonly file?: string;
}

/** Writes lines of text for a person or JSON for a machine on `stream`, and JSON to `file`. */
export function openLog(options: LogOptions): Logger {
  const { format, level, stream, file } = options;
  const print = options.print ?? ((text: string) => void stream.write(text));
  const isPretty = format === "pretty" || (format === "auto" && stream.isTTY);
  const pretty = prettyFactory({
    colorize: hasColour(stream),
    translateTime: "SYS:HH:MM:ss",
    ignore: "pid,hostname",
  });
  const screen = { write: (line: string) => print(isPretty ? pretty(line) : line) };
  const streams: pino.StreamEntry[] = [{ level: level as pino.Level, stream: screen }];
  // Synchronous, so that what was logged before a crash is there to read.
  if (file) streams.push({ level: "debug", stream: openFile(file) });
  return pino(
    { level: file ? "trace" : level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.multistream(streams),
  );
}

/** On a full disk it keeps what it was given, and writes it when there is room. */
function openFile(file: string): pino.DestinationStream {
  const stream = pino.destination({ dest: file, sync: true });
  stream.on("error", () => {});
  return stream;
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
