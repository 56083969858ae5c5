import { RunError, type WireError } from "../errors.ts";

/** What a thread's task came to, as plain data: an error's class and code do not survive the way. */
export type ThreadResult<T> =
  | { readonly value: T; readonly error?: never }
  | { readonly error: WireError };

/** In the thread: runs the task. What is no RunError is thrown as it is, for the sake of its stack. */
export async function toThreadResult<T>(task: () => Promise<T>): Promise<ThreadResult<T>> {
  try {
    return { value: await task() };
  } catch (thrown) {
    const error = RunError.from(thrown);
    if (error.code === "INTERNAL") throw thrown;
    return { error: error.toWire() };
  }
}

/** On the other side: the value. @throws RunError what the task threw. */
export function fromThreadResult<T>(result: ThreadResult<T>): T {
  if (result.error !== undefined) throw RunError.fromWire(result.error);
  return result.value;
}
