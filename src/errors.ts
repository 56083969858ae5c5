/** What went wrong, as a code that survives threads and sockets. Never reuse or rename one. */
export type ErrorCode =
  | "CONFIG_INVALID"
  | "ENV_UNKNOWN"
  | "ENV_FAILED"
  | "COMPILE_UNSUPPORTED"
  | "REPLAY_REFUSED"
  | "RUN_EXISTS"
  | "RUN_NOT_FOUND"
  | "RUN_LOCKED"
  | "CHECKPOINT_CORRUPT"
  | "CHECKPOINT_INCOMPATIBLE"
  | "DISK_FULL"
  | "PORT_IN_USE"
  | "OUT_OF_MEMORY"
  | "ACTOR_CRASHED"
  /** The learner will not have this actor: another run, environment, shape or protocol, or no permission. */
  | "LEARNER_REFUSED"
  /** No learner for longer than one was willing to wait. */
  | "LEARNER_LOST"
  /** A later process holds the actor's slot: this one is a leftover. */
  | "ACTOR_FENCED"
  | "TRAINING_DIVERGED"
  | "INTERNAL";

/** A RunError as it crosses a thread or a socket. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** A failure raised on purpose. Match on `code`: the class does not survive a thread or socket. */
export class RunError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RunError";
    this.code = code;
  }

  /** Wraps anything thrown; what is not ours becomes INTERNAL with its cause kept. */
  static from(thrown: unknown): RunError {
    if (thrown instanceof RunError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new RunError("INTERNAL", message, { cause: thrown });
  }

  static fromWire(error: WireError): RunError {
    return new RunError(error.code, error.message);
  }

  toWire(): WireError {
    return { code: this.code, message: this.message };
  }
}
