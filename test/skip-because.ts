import type { TestContext } from "vitest";

declare module "vitest" {
  interface TaskMeta {
    /** Why a test was skipped; `.ci/run` prints it. */
    reason?: string;
  }
}

/** Skips a test that this machine cannot run, and says why where nobody overlooks it. */
export function skipBecause(reason: string, context: TestContext): never {
  context.task.meta.reason = reason;
  return context.skip(reason);
}
