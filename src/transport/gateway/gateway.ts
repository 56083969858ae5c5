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
import { Admission } from "./admission.ts";
import { type FrameFault, FrameInspector, type InspectedFrame } from "./frame-inspector.ts";
import { GatewayJournal } from "./gateway-journal.ts";
import type { GatewayEvent, GatewayLimits } from "./gateway-task.ts";
import { heartbeatEvents } from "./heartbeat-events.ts";
import type { SessionFault } from "./hello-check.ts";
import { Intake } from "./intake.ts";
import { Members } from "./members.ts";
import { Roster, type Seat } from "./roster.ts";
import { SendWindow } from "./send-window.ts";
import type { Sender } from "./sender.ts";
import { Session, type SessionEnd, type SessionHost, type SessionOutput } from "./session.ts";
import { Sessions } from "./sessions.ts";

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
  readonly #inspector: FrameInspector;
  readonly #intake: Intake;
  readonly #admission: Admission;
  readonly #sendWindow: SendWindow;
  readonly #sessions: Sessions;
  readonly #journal: GatewayJournal;
  #window = 0;
  #isClosing = false;
  #superseded: string | undefined;

  constructor(options: GatewayOptions) {
    const { run, limits, table, log, now } = options;
    const shape = unrollShapeIn(run);
    if (!(run.shape && shape)) throw new TypeError("a run without a shape");
    this.#options = options;
    const { recorder, emit } = options;
    const { members } = this;
    this.#journal = new GatewayJournal({ recorder, emit, members });
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
    const { maxActors } = limits;
    const roster = new Roster({ table, maxActors, isLogged, record });
    this.#admission = new Admission({ run, members, roster, journal: this.#journal });
    this.#sessions = new Sessions(limits, now());
    this.#sendWindow = new SendWindow(limits.windowSeconds, now());
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
    return this.#sessions.isBusy || this.#intake.isBusy;
  }

  now(): number {
    return this.#options.now();
  }

  /** Somebody opened a stream. */
  connect(output: SessionOutput): Session {
    const session = new Session(this, output);
    this.#sessions.add(session);
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
    const acknowledged = this.#sessions.acknowledge(connected);
    return taken > 0 || acknowledged;
  }

  /** Sees to silence on either side; to be called a few times in each heartbeat. */
  tick(): void {
    const now = this.now();
    const { table, recorder } = this.#options;
    this.#sessions.look(now, ({ sender, lastHeard }) => {
      if (sender) table.heard(sender.slot, lastHeard);
    });
    this.members.forgetOld(now);
    recorder.set("troupe_trajectory_queue_length", this.queuedFrames);
    recorder.set("troupe_window_frames", this.#window);
    recorder.set("troupe_credit_frames", this.members.credit);
  }

  /** The log is on the disk up to `position`. */
  synced(position: number): void {
    this.#intake.synced(position);
    this.#sessions.continueJoining();
  }

  /** Tells everybody what is about to happen and takes no more frames. */
  announceEnd(notice: Notice): void {
    this.#isClosing = true;
    this.#sessions.notify(notice);
  }

  /** Ends every conversation, after a last acknowledgement. */
  endSessions(): void {
    this.#sessions.end();
  }

  /** A later learner has the run folder: whatever is acknowledged now would be lost. */
  supersede(message: string): void {
    this.#superseded = message;
    this.#isClosing = true;
    this.#sessions.refuse({ reason: RefusalReason.REFUSAL_REASON_SUPERSEDED, message });
  }

  admit(session: Session, hello: Hello): Seat | SessionFault {
    if (this.#superseded !== undefined) {
      return { reason: RefusalReason.REFUSAL_REASON_SUPERSEDED, message: this.#superseded };
    }
    return this.#admission.admit(session, hello, this.now());
  }

  isSynced(position: number): boolean {
    const { log } = this.#options;
    return log === undefined || position < log.durable;
  }

  inspect(frame: Frame, slot: number): InspectedFrame {
    return this.#inspector.inspect(frame, slot);
  }

  accept(sender: Sender, { payload }: Frame, inspected: InspectedFrame & { fault?: never }): void {
    this.#journal.accepted(payload);
    this.#intake.accept(sender, payload, inspected);
  }

  refuse(sender: Sender, fault: FrameFault): void {
    this.#journal.refused(sender, fault);
    this.#intake.refuse(sender, fault);
  }

  skip(sender: Sender, sequence: number): void {
    const { slot, incarnation } = sender;
    this.#journal.skipped(sender, sequence);
    this.#record({ kind: "skip", slot, incarnation, sequence });
    sender.skippedTo(sequence);
  }

  onHeartbeat(session: Session, heartbeat: Heartbeat): void {
    const member = this.members.of(session);
    if (member === undefined) return;
    member.report = { ...heartbeat, episodes: [], envFailures: [] };
    const { slot } = member.sender;
    for (const event of heartbeatEvents(slot, heartbeat)) this.#options.emit(event);
  }

  onDirty(session: Session): void {
    this.#sessions.touch(session);
  }

  onDuplicate(): void {
    this.#journal.duplicate();
  }

  onResend(sender: Sender, fault: FrameFault): void {
    this.#journal.resend(sender, fault);
  }

  onOver(session: Session, why: SessionEnd): void {
    this.#sessions.remove(session);
    const member = this.members.of(session);
    if (member) this.#admission.exit(member, why);
    this.#journal.over(session, why);
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
}
