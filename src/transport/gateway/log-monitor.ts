import type { MetricsRecorder } from "../../metrics/recorder.ts";
import type { LogStatus } from "../../replay/log/frame-log.ts";
import type { LogCommit } from "../../replay/log/log-writer.ts";
import type { GatewayEvent } from "./gateway-task.ts";

/** Says how the log is doing, in metrics and messages. */
export class LogMonitor {
  readonly #recorder: MetricsRecorder;
  readonly #emit: (event: GatewayEvent) => void;

  constructor(recorder: MetricsRecorder, emit: (event: GatewayEvent) => void) {
    this.#recorder = recorder;
    this.#emit = emit;
  }

  onCommit({ seconds, sizeBytes }: LogCommit): void {
    this.#recorder.observe("troupe_log_sync_duration_seconds", seconds);
    this.#recorder.inc("troupe_log_written_bytes_total", sizeBytes);
  }

  /** @param trouble Why nothing can be written; null when all is well again. */
  onTrouble(trouble: string | null): void {
    if (trouble === null) {
      this.#emit({ type: "log", level: "info", message: "the frame log can be written again" });
      return;
    }
    this.#emit({ type: "log", level: "error", message: trouble });
    const reason = /ENOSPC|EDQUOT/.test(trouble) ? "disk-full" : "io";
    this.#recorder.inc("troupe_log_errors_total", 1, { reason });
  }

  measure({ sizeBytes, quotaBytes, pendingRecords, trouble }: LogStatus): void {
    this.#recorder.set("troupe_log_size_bytes", sizeBytes);
    this.#recorder.set("troupe_log_quota_bytes", quotaBytes);
    this.#recorder.set("troupe_log_pending_frames", pendingRecords);
    this.#recorder.set("troupe_log_trouble", trouble === null ? 0 : 1);
  }
}
