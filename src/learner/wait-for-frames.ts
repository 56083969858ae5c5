import type { MetricsRecorder } from "../metrics/recorder.ts";
import type { LearnerLink } from "../protocol.ts";

const IDLE_WAIT_MS = 20;

/** Waits for actors a little, and counts the time as lost for `reason`. */
export function waitForFrames(
  { link, recorder }: { readonly link: LearnerLink; readonly recorder: MetricsRecorder },
  reason: "warm_up" | "replay_starved",
): void {
  const start = performance.now();
  link.waitForFrames(IDLE_WAIT_MS);
  recorder.inc("troupe_blocked_seconds_total", (performance.now() - start) / 1000, {
    side: "learner",
    reason,
  });
}
