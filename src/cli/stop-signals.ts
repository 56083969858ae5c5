import { type ExitCode, exitCodes } from "./exit.ts";

/** An orderly stop that takes longer has failed; service managers kill soon after. */
const DRAIN_MS = 10_000;

type StopSignal = "SIGINT" | "SIGTERM" | "SIGUSR1" | "SIGHUP";
const STOP_SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP"];

/**
 * Turns signals into an orderly stop. The first asks for it; a second Ctrl-C ends the process at once.
 * After the others, which schedulers send before they kill, or a terminal that closes, the drain is bounded.
 */
export class StopSignals implements Disposable {
  readonly #abort = new AbortController();
  readonly #notify: (message: string) => void;
  readonly #task: string;
  #first: StopSignal | undefined;
  #deadline: NodeJS.Timeout | undefined;

  /** @param task What is done before the end. */
  constructor(
    notify: (message: string) => void,
    task = "finishing the update and writing a checkpoint",
  ) {
    this.#notify = notify;
    this.#task = task;
    for (const name of STOP_SIGNALS) process.on(name, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What a command that was stopped in good order ends with; undefined if no signal came. */
  get exitCode(): ExitCode | undefined {
    if (this.#first === undefined) return undefined;
    return this.#first === "SIGINT" ? exitCodes.interrupted : exitCodes.again;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#deadline);
    for (const name of STOP_SIGNALS) process.off(name, this.#onSignal);
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    if (name === "SIGINT" && this.#first !== undefined) process.exit(exitCodes.interrupted);
    if (this.#first !== undefined) return;
    this.#first = name as StopSignal;
    const again = name === "SIGINT" ? "; Ctrl-C again ends at once" : "";
    this.#notify(`${name}: ${this.#task}${again}`);
    this.#abort.abort();
    if (name === "SIGINT") return;
    this.#deadline = setTimeout(() => process.exit(exitCodes.terminated), DRAIN_MS);
    this.#deadline.unref();
  };
}
