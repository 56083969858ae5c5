import { join } from "node:path";
import { ActorTable } from "../../replay/log/actor-table.ts";
import { type FrameLog, openFrameLog } from "../../replay/log/frame-log.ts";
import type { LoggedUnroll } from "../../replay/log/log-reader.ts";
import { SealBarrier } from "../../replay/log/seal-barrier.ts";
import { checkTerm } from "../../storage/run-lock.ts";
import type { Delivery, GatewayEvent, GatewaySetup } from "./gateway-task.ts";
import type { LogMonitor } from "./log-monitor.ts";
import { firstIncarnation } from "./roster.ts";

/** Hears of the log. */
export interface LogListener {
  /** It is on the disk up to `position`. */
  synced(position: number): void;
  /** It cannot go on. */
  fail(error: unknown): void;
}

/** Where delivery goes on. */
export interface OpenedLog {
  /** Where each actor stands. */
  readonly table: ActorTable;
  /** With none, frames are safe when the learner has them. */
  readonly log: FrameLog | undefined;
  /** Unrolls that the learner has to be given before any other. */
  readonly replay: Iterator<LoggedUnroll> | undefined;
  /** Who hears of the log from now on. The learner's wishes to have it sealed are served until `signal`. */
  readonly attach: (listener: LogListener, signal: AbortSignal) => void;
}

/** Who hears of what happens to the log. */
export interface LogParts {
  readonly emit: (event: GatewayEvent) => void;
  readonly monitor: LogMonitor;
}

/** @throws RunError CHECKPOINT_CORRUPT, DISK_FULL, RUN_LOCKED. */
export async function openLog(setup: GatewaySetup, parts: LogParts): Promise<OpenedLog> {
  const { delivery } = setup;
  if (delivery.durability === "log") return await openDurable(setup, { ...parts, delivery });
  const options = {
    maxActors: setup.limits.maxActors,
    firstIncarnation: firstIncarnation(setup.run.term),
  };
  const table = ActorTable.restore(options, delivery.cursors, performance.now());
  return { table, log: undefined, replay: undefined, attach: () => undefined };
}

interface DurableParts extends LogParts {
  readonly delivery: Extract<Delivery, { durability: "log" }>;
}

async function openDurable(
  { folder, run, limits }: GatewaySetup,
  { delivery, emit, monitor }: DurableParts,
): Promise<OpenedLog> {
  const { cut, quotaBytes } = delivery;
  const tell = (level: "info" | "warn", message: string): void =>
    emit({ type: "log", level, message });
  let listener: LogListener | undefined;
  const { log, recovered } = await openFrameLog({
    folder: join(folder, "replay"),
    quotaBytes,
    cut,
    checkTerm: () => checkTerm(folder, run.term),
    onDurable: (position) => listener?.synced(position),
    onTrouble: (trouble) => monitor.onTrouble(trouble),
    onCommit: (commit) => monitor.onCommit(commit),
    onWarning: (message) => tell("warn", message),
  });
  const { end, cursors, warnings } = recovered;
  for (const warning of warnings) tell("warn", warning);
  if (end > cut) {
    tell("info", `${end - cut} unrolls of the log are newer than the checkpoint and are replayed`);
  }
  return {
    table: ActorTable.restore({ maxActors: limits.maxActors }, cursors, performance.now()),
    log,
    replay: end > cut ? log.unrolls(cut, end) : undefined,
    attach: (attached, signal) => {
      listener = attached;
      log.finished.catch((thrown: unknown) => attached.fail(thrown));
      void new SealBarrier(delivery.barrier).serve((request) => log.seal(request), signal);
    },
  };
}
