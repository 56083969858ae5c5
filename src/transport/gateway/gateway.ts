import type { MetricsRecorder } from "../../metrics/recorder.ts";
import type { ActorTable } from "../../replay/log/actor-table.ts";
import type { FrameLog } from "../../replay/log/frame-log.ts";
import type { LoggedUnroll } from "../../replay/log/log-reader.ts";
import type { LogRecord } from "../../replay/log/log-record.ts";
import {
  type Frame,
  type GetRunResponse,
  type Heartbeat,
  type Hello,
  type Notice,
  RefusalReason,
} from "../generated/troupe/v1/actor.ts";
import { unrollShapeIn } from "../on-policy-run.ts";
import type { SharedMailbox } from "../shared-mailbox.ts";
import { type FrameFault, FrameInspector, type InspectedFrame } from "./frame-inspector.ts";
import type { GatewayEvent, GatewayLimits } from "./gateway-task.ts";
import { checkHello, type SessionFault } from "./hello-check.ts";
import { Intake } from "./intake.ts";
import { Members } from "./members.ts";
import { Roster, type Seat } from "./roster.ts";
import { SendWindow } from "./send-window.ts";
import type { Sender } from "./sender.ts";
import { Session, type SessionEnd, type SessionHost, type SessionOutput } from "./session.ts";

/** Silent for so many heartbeats, the other side counts as gone. */
const HEARTBEATS_TO_SILENCE = 3;
/** Acknowledgements nobody waits for are put off, longer the more actors there are. */
const [LEAST_LAZY_MS, MOST_LAZY_MS, LAZY_MS_PER_ACTOR] = [10, 100, 0.1];
/** Told by one heartbeat at most. */
const MOST_EPISODES = 1000;
const MOST_REASON_LENGTH = 300;
const MOST_FAILURE_LENGTH = 4e6;

export interface GatewayOptions {
  readonly run: Pick<
    GetRunResponse,
    "runId" | "term" | "envId" | "envsPerActor" | "shape" | "onPolicy"
  >;
  readonly limits: GatewayLimits;
  /** Where actors stand, to go on from. */
  readonly table: ActorTable;
  /** With none, frames are safe when the learner has them. */
  readonly log: Pick<FrameLog, "append" | "durable"> | undefined;
  /** Unrolls of the log that the learner has to be given before any other. */
  readonly replay: Iterator<LoggedUnroll> | undefined;
  readonly queue: SharedMailbox;
  /** Rung after each frame put into the queue. */
  readonly doorbell: SharedArrayBuffer;
  readonly recorder: MetricsRecorder;
  readonly emit: (event: GatewayEvent) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/**
 * Delivery at the learner: all conversations with actors, and the way of their frames into log and queue.
 * Does nothing by itself; whoever holds it passes on messages and calls `pulse` and `tick`.
 */
export class Gateway implements SessionHost {
  readonly terms: SessionHost["terms"];
  readonly members = new Members();
  readonly #options: GatewayOptions;
  readonly #shape: NonNullable<GetRunResponse["shape"]>;
  readonly #inspector: FrameInspector;
  readonly #intake: Intake;
  readonly #roster: Roster;
  readonly #sendWindow: SendWindow;
  readonly #sessions = new Set<Session>();
  readonly #dirty = new Set<Session>();
  #window = 0;
  #lastTick: number;
  #isClosing = false;
  #superseded: string | undefined;

  constructor(options: GatewayOptions) {
    const { run, limits, table, log, now } = options;
    const shape = unrollShapeIn(run);
    if (!(run.shape && shape)) throw new TypeError("a run without a shape");
    this.#options = options;
    this.#shape = run.shape;
    this.terms = {
      runId: run.runId,
      term: run.term,
      heartbeatSeconds: limits.heartbeatSeconds,
      maxPayloadBytes: limits.maxPayloadBytes,
    };
    this.#inspector = new FrameInspector({
      shape,
      envsPerActor: run.envsPerActor,
      maxPayloadBytes: limits.maxPayloadBytes,
    });
    const isLogged = log !== undefined;
    const record = (record: LogRecord): number => this.#record(record);
    this.#intake = new Intake({
      queue: options.queue,
      doorbell: options.doorbell,
      inspector: this.#inspector,
      isLogged,
      record,
      replay: options.replay,
      onMoved: (sender) => this.#onMoved(sender),
    });
    this.#roster = new Roster({
      table,
      maxActors: limits.maxActors,
      isLogged,
      record,
      isConnected: (slot) => this.members.at(slot)?.session !== undefined,
    });
    this.#lastTick = now();
    this.#sendWindow = new SendWindow(limits.windowSeconds, this.#lastTick);
    this.#window = this.#sendWindow.size(1);
    this.#intake.pump();
  }

  get window(): number {
    return this.#window;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Frames that wait for the learner. */
  get queuedFrames(): number {
    return this.#intake.waiting;
  }

  /** Records that wait for the disk. */
  get pendingFrames(): number {
    return this.#intake.unsynced;
  }

  /** Whether `pulse` has something to do soon. */
  get isBusy(): boolean {
    return this.#dirty.size > 0 || this.#intake.isBusy;
  }

  now(): number {
    return this.#options.now();
  }

  /** Somebody opened a stream. */
  connect(output: SessionOutput): Session {
    const session = new Session(this, output);
    this.#sessions.add(session);
    const { maxActors } = this.#options.limits;
    // An actor that comes back may do so before its old stream is known to be dead.
    if (this.#sessions.size > 2 * maxActors + 16) {
      session.refuse({
        reason: RefusalReason.REFUSAL_REASON_FULL,
        message: `too many streams for ${maxActors} actors`,
      });
    }
    return session;
  }

  /**
   * Sees to the learner's queue and to acknowledgements; to be called every few milliseconds.
   * @returns whether anything moved.
   */
  pulse(): boolean {
    const now = this.now();
    const taken = this.#intake.pump();
    const { connected } = this.members;
    this.#sendWindow.look(
      {
        taken,
        isQueueEmpty: this.#intake.waiting === 0,
        areActorsHeldBack: () => 4 * this.members.withoutCredit > connected,
      },
      now,
    );
    this.#window = this.#sendWindow.size(connected);
    const lazyMs = Math.min(Math.max(LAZY_MS_PER_ACTOR * connected, LEAST_LAZY_MS), MOST_LAZY_MS);
    let acknowledged = false;
    for (const session of this.#dirty) {
      if (!session.acknowledge(lazyMs)) continue;
      this.#dirty.delete(session);
      acknowledged = true;
    }
    return taken > 0 || acknowledged;
  }

  /** Sees to silence on either side; to be called a few times in each heartbeat. */
  tick(): void {
    const now = this.now();
    const heartbeatMs = 1000 * this.#options.limits.heartbeatSeconds;
    const slept = now - this.#lastTick > heartbeatMs ? now - this.#lastTick : 0;
    this.#lastTick = now;
    for (const session of this.#sessions) {
      // Whatever actors said meanwhile has not been read yet.
      if (slept > 0) session.excuse(slept);
      if (now - session.lastHeard > HEARTBEATS_TO_SILENCE * heartbeatMs) {
        session.refuse({
          reason: RefusalReason.REFUSAL_REASON_SILENT,
          message: `nothing was heard for ${Math.round(now - session.lastHeard)} ms`,
        });
        continue;
      }
      if (session.sender) this.#options.table.heard(session.sender.slot, session.lastHeard);
      session.heartbeat(0.75 * heartbeatMs);
    }
    this.members.forgetOld(now);
    this.#measure();
  }

  /** The log is on the disk up to `position`. */
  synced(position: number): void {
    this.#intake.synced(position);
    for (const session of this.#sessions) session.continueJoining();
  }

  /** Tells everybody what is about to happen and takes no more frames. */
  announceEnd(notice: Notice): void {
    this.#isClosing = true;
    for (const session of this.#sessions) session.notify(notice);
  }

  /** Ends every conversation, after a last acknowledgement. */
  endSessions(): void {
    for (const session of this.#sessions) session.end();
  }

  /** A later learner has the run folder: whatever is acknowledged now would be lost. */
  supersede(message: string): void {
    this.#superseded = message;
    this.#isClosing = true;
    const fault = { reason: RefusalReason.REFUSAL_REASON_SUPERSEDED, message };
    for (const session of this.#sessions) session.refuse(fault);
  }

  admit(session: Session, hello: Hello): Seat | SessionFault {
    const now = this.now();
    if (this.#superseded !== undefined) {
      return { reason: RefusalReason.REFUSAL_REASON_SUPERSEDED, message: this.#superseded };
    }
    const result =
      checkHello(hello, { ...this.#options.run, shape: this.#shape }) ??
      this.#roster.seat(hello, now);
    if ("reason" in result) return result;
    const { sender, cursor } = result;
    const { slot, incarnation, host, index } = cursor;
    this.#endFormer(sender);
    this.members.enter({
      sender,
      host,
      index,
      session,
      peer: session.peer,
      lastHeard: now,
      report: this.members.at(slot)?.sender === sender ? this.members.at(slot)?.report : undefined,
    });
    this.#options.recorder.inc("troupe_sessions_opened_total");
    const what = hello.resume ? "is back in" : "takes";
    this.#log(
      "info",
      `actor ${host}/${index} at ${session.peer} ${what} slot ${slot}, incarnation ${incarnation}`,
    );
    return result;
  }

  isSynced(position: number): boolean {
    const { log } = this.#options;
    return log === undefined || position < log.durable;
  }

  inspect(frame: Frame, slot: number): InspectedFrame {
    return this.#inspector.inspect(frame, slot);
  }

  accept(sender: Sender, { payload }: Frame, inspected: InspectedFrame & { fault?: never }): void {
    const { recorder } = this.#options;
    recorder.inc("troupe_trajectory_received_total");
    recorder.inc("troupe_trajectory_received_bytes_total", payload.length);
    this.#intake.accept(sender, payload, inspected);
  }

  refuse(sender: Sender, fault: FrameFault): void {
    this.#options.recorder.inc("troupe_trajectory_dropped_total", 1, { reason: fault.reason });
    this.#log(
      "warn",
      `frame ${sender.next} of ${this.#nameOf(sender)} was refused: ${fault.reason}: ${fault.message}`,
    );
    this.#intake.refuse(sender, fault);
  }

  skip(sender: Sender, sequence: number): void {
    const { slot, incarnation, next } = sender;
    this.#log("warn", `${this.#nameOf(sender)} leaves out the frames ${next} to ${sequence - 1}`);
    this.#record({ kind: "skip", slot, incarnation, sequence });
    sender.skippedTo(sequence);
  }

  onHeartbeat(session: Session, heartbeat: Heartbeat): void {
    const member = this.members.of(session);
    if (member === undefined) return;
    const { episodes, envFailures, ...rest } = heartbeat;
    member.report = { ...rest, episodes: [], envFailures: [] };
    for (const failure of envFailures.slice(0, 1)) {
      if (failure.length <= MOST_FAILURE_LENGTH)
        this.#options.emit({ type: "env-failure", failure });
    }
    for (const end of episodes.slice(0, MOST_EPISODES)) {
      if (!Number.isFinite(end.episodeReturn)) continue;
      const reason = end.reason.slice(0, MOST_REASON_LENGTH);
      this.#options.emit({
        type: "episode",
        slot: member.sender.slot,
        end: { ...end, reason },
      });
    }
  }

  onDirty(session: Session): void {
    this.#dirty.add(session);
  }

  onDuplicate(): void {
    this.#options.recorder.inc("troupe_trajectory_duplicate_total");
  }

  onResend(sender: Sender, fault: FrameFault): void {
    this.#options.recorder.inc("troupe_trajectory_resend_total");
    this.#log(
      "warn",
      `frame ${sender.next} of ${this.#nameOf(sender)} is wanted again: ${fault.message}`,
    );
  }

  onOver(session: Session, why: SessionEnd): void {
    this.#sessions.delete(session);
    this.#dirty.delete(session);
    const member = this.members.of(session);
    if (member) this.members.exit(member);
    const who = session.sender ? this.#nameOf(session.sender) : session.peer;
    switch (why.kind) {
      case "lost":
        if (session.sender) this.#log("info", `lost ${who}`);
        return;
      case "goodbye":
        if (session.sender && member) this.#roster.leave(session.sender);
        this.#log("info", `${who} left: ${why.reason}`);
        return;
      case "refused":
        this.#options.recorder.inc("troupe_session_refused_total", 1, {
          reason: REASONS[why.fault.reason],
        });
        this.#log("warn", `${who} was refused: ${why.fault.message}`);
        return;
      case "closed":
      case "replaced":
        return;
      default:
        why satisfies never;
    }
  }

  /** The slot's session before this one: of the same process by another stream, or of one that is replaced. */
  #endFormer(sender: Sender): void {
    const before = this.members.at(sender.slot);
    if (before?.session === undefined) return;
    if (before.sender === sender) before.session.replace();
    else {
      before.session.refuse({
        reason: RefusalReason.REFUSAL_REASON_FENCED,
        message: `slot ${sender.slot} now belongs to incarnation ${sender.incarnation}; this process should end`,
      });
    }
  }

  /** Frames of an incarnation that is over still reach the learner, but nobody waits to hear of it. */
  #onMoved(sender: Sender): void {
    const member = this.members.at(sender.slot);
    if (member?.sender === sender) member.session?.touch();
  }

  #record(record: LogRecord): number {
    const { log, table, now } = this.#options;
    const position = log?.append(record) ?? 0;
    table.apply(record, now());
    return position;
  }

  #measure(): void {
    const { recorder } = this.#options;
    recorder.set("troupe_trajectory_queue_length", this.queuedFrames);
    recorder.set("troupe_window_frames", this.#window);
    recorder.set("troupe_credit_frames", this.members.credit);
  }

  #nameOf({ slot, incarnation }: Sender): string {
    const member = this.members.at(slot);
    const name = member ? `actor ${member.host}/${member.index}` : "an actor";
    return `${name} (slot ${slot}, incarnation ${incarnation})`;
  }

  #log(level: "info" | "warn", message: string): void {
    this.#options.emit({ type: "log", level, message });
  }
}

const REASONS: Readonly<Record<RefusalReason, string>> = {
  [RefusalReason.REFUSAL_REASON_UNSPECIFIED]: "unspecified",
  [RefusalReason.REFUSAL_REASON_PROTOCOL_VERSION]: "protocol-version",
  [RefusalReason.REFUSAL_REASON_RUN]: "run",
  [RefusalReason.REFUSAL_REASON_ENV]: "env",
  [RefusalReason.REFUSAL_REASON_SHAPE]: "shape",
  [RefusalReason.REFUSAL_REASON_FENCED]: "fenced",
  [RefusalReason.REFUSAL_REASON_PROTOCOL]: "protocol",
  [RefusalReason.REFUSAL_REASON_FULL]: "full",
  [RefusalReason.REFUSAL_REASON_SILENT]: "silent",
  [RefusalReason.REFUSAL_REASON_SUPERSEDED]: "superseded",
};
