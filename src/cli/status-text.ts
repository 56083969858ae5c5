import type {
  ActorStatus,
  GetStatusResponse,
  LogStatus,
} from "../transport/generated/troupe/v1/control.ts";
import { table } from "./table.ts";

/** What a learner said, and when it was asked: milliseconds of any one clock. */
export interface Look {
  readonly at: number;
  readonly status: GetStatusResponse;
}

/** The state of a run for people; rates are since `before`. */
export function statusText(now: Look, before?: Look): string {
  const { status } = now;
  const { limiter, log, actors, queuedFrames } = status;
  return [
    `run ${status.runId}  ${status.algorithm} on ${status.envId}, term ${status.term}, up ${duration(status.uptimeSeconds)}`,
    progressLine(now, before),
    limiter && `limiter: ${limiter.sentence} (replay ${count(limiter.replaySize)})`,
    log && logLine(log),
    `queue: ${count(queuedFrames)} unrolls wait for the learner`,
    "",
    actors.length === 0 ? "no actors yet" : actorTable(status),
  ]
    .filter((line) => line !== undefined)
    .join("\n");
}

function progressLine({ at, status }: Look, before: Look | undefined): string {
  const { envSteps, totalSteps, learnerSteps, actors } = status;
  const acting = actors.filter(({ connected }) => connected);
  const stepsPerSecond = acting.reduce((sum, actor) => sum + actor.envStepsPerSecond, 0);
  const share = totalSteps > 0 ? ` (${((100 * envSteps) / totalSteps).toFixed(1)} %)` : "";
  // A learner that was started again may have gone back to its last checkpoint.
  const comparable = before !== undefined && before.status.term === status.term && at > before.at;
  const updates = comparable
    ? `, ${rate(((learnerSteps - before.status.learnerSteps) * 1e3) / (at - before.at))} updates/s`
    : "";
  return (
    `${count(envSteps)} of ${count(totalSteps)} env steps${share}, ${count(learnerSteps)} updates; ` +
    `${acting.length === 1 ? "1 actor makes" : `${acting.length} actors make`} ${rate(stepsPerSecond)} env steps/s${updates}`
  );
}

function logLine({ sizeBytes, quotaBytes, pendingFrames, trouble }: LogStatus): string {
  const size = `log: ${bytes(sizeBytes)} of ${bytes(quotaBytes)}, ${count(pendingFrames)} unrolls pending`;
  return trouble === "" ? size : `${size}; NOTHING IS WRITTEN: ${trouble}`;
}

const HEADER = [
  "slot",
  "actor",
  "state",
  "env steps/s",
  "policy",
  "age",
  "unrolls",
  "durable",
  "refused",
  "outbox",
  "credit",
  "silent",
  "address",
];

function actorTable({ actors, learnerSteps }: GetStatusResponse): string {
  const rows = actors.map((actor) => [
    `${actor.slot}.${actor.incarnation}`,
    `${actor.host}/${actor.index}`,
    actor.connected ? "connected" : "gone",
    actor.connected ? rate(actor.envStepsPerSecond) : "-",
    ...policyCells(actor, learnerSteps),
    count(actor.acceptedFrames),
    count(actor.durableFrames),
    count(actor.refusedFrames),
    count(actor.outboxFrames),
    count(actor.credit),
    duration(actor.silentSeconds),
    actor.peer,
  ]);
  return table([HEADER, ...rows]);
}

/** The policy's version and its age in learner steps. */
function policyCells({ policyVersion }: ActorStatus, learnerSteps: number): [string, string] {
  if (policyVersion < 0) return ["random", "-"];
  return [count(policyVersion), count(Math.max(0, learnerSteps - policyVersion))];
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function rate(value: number): string {
  return count(Math.round(value < 10 ? value * 10 : value) / (value < 10 ? 10 : 1));
}

function bytes(size: number): string {
  return size < 1e8 ? `${(size / 1e6).toFixed(1)} MB` : `${(size / 1e9).toFixed(2)} GB`;
}

/** 4.2s, 3m05s, 2h07m, 3d04h. */
function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)}s`;
  const units = [
    [86_400, "d", 3_600, "h"],
    [3_600, "h", 60, "m"],
    [60, "m", 1, "s"],
  ] as const;
  const [large, name, small, rest] = units.find(([unit]) => seconds >= unit) ?? units[2];
  const remainder = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${name}${String(remainder).padStart(2, "0")}${rest}`;
}
