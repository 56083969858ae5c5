/** How an environment failed, for counting. What people read is the message. */
export type EnvFault =
  /** A step threw. */
  | "step"
  /** A reward or an observation was NaN or infinite. */
  | "non-finite"
  /** An observation had another length. */
  | "shape"
  /** A reset threw, or gave what cannot be used; the actor was ended. */
  | "reset"
  /** A step or reset did not return in time; the actor was ended. */
  | "hung";

const NON_FINITE = /: (reward|observation\[\d+\]) (NaN|-?Infinity)( \([^()]*\))? at step \d/;
const SHAPE =
  /: (an observation of \d+ numbers instead of \d+|observation gives \d+ numbers; it gave \d+ at first) at step \d/;

/** From the reason of an episode's end, which is all that comes over the network. */
export function episodeFault(reason: string | undefined): EnvFault {
  if (reason !== undefined && NON_FINITE.test(reason)) return "non-finite";
  if (reason !== undefined && SHAPE.test(reason)) return "shape";
  return "step";
}

/** From what an actor ended with; undefined when its environment was not the cause, or was counted before. */
export function crashFault({
  code,
  message,
}: {
  readonly code: string;
  readonly message: string;
}): EnvFault | undefined {
  if (code !== "ENV_FAILED") return undefined;
  if (/ has not returned from a step or reset for /.test(message)) return "hung";
  if (/: reset (gave|threw) /.test(message)) return "reset";
  return undefined;
}
