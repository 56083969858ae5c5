import { setImmediate as nextMacrotask, setTimeout as sleep } from "node:timers/promises";
import type { MetricsRecorder } from "../../metrics/recorder.ts";
import type { UnrollShape } from "../../protocol.ts";
import {
  type EpisodeEnd,
  type FrameRefusal,
  type GetRunResponse,
  type Notice,
  NoticeKind,
  type Welcome,
} from "../generated/troupe/v1/actor.ts";
import { type InProcessMemory, ringDoorbell } from "../in-process.ts";
import { wireShape } from "../on-policy-run.ts";
import { PolicyBoard } from "../policy-board.ts";
import { PROTOCOL_VERSION } from "../protocol-version.ts";
import { SharedMailbox } from "../shared-mailbox.ts";
import type { LearnerChannel } from "./channel.ts";
import { DoorbellListener } from "./doorbell.ts";
import { Journal, reasonName } from "./journal.ts";
import { Outbox, type OutboxLimits, type SentFrame } from "./outbox.ts";
import { PolicyClient } from "./policy-client.ts";
import type { SessionIdentity } from "./session-client.ts";
import { UplinkActor, type UplinkActorObserver } from "./uplink-actor.ts";
import { UplinkLog } from "./uplink-log.ts";
import { UplinkMeter } from "./uplink-meter.ts";

export interface UplinkOptions {
  readonly channel: LearnerChannel;
  readonly run: GetRunResponse;
  readonly shape: UnrollShape;
  /** Of the actors of this process, one mailbox each. */
  readonly memory: InProcessMemory;
  readonly hostId: string;
  /** 16 bytes drawn at random by the process that starts. */
  readonly instance: Uint8Array;
  readonly outbox: OutboxLimits;
  readonly policyIntervalMs: number;
  readonly giveUpAfterMs: number;
  readonly journal: string | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly recorder: MetricsRecorder;
  readonly observer: UplinkObserver;
}

export interface UplinkObserver {
  /** The actor of this mailbox has been taken in, for the first time. */
  onJoined(mailbox: number, identity: SessionIdentity): void;
  onLog(level: "info" | "warn", message: string): void;
}

export interface UplinkStatus {
  /** Every actor has a session. */
  readonly connected: boolean;
  /** Milliseconds without one; 0 while connected. */
  readonly disconnectedMs: number;
  /** Environment steps in the unrolls taken from actors. */
  readonly envSteps: number;
  /** Unrolls kept until they are durable. */
  readonly outboxFrames: number;
  readonly droppedUnrolls: number;
  readonly durableUnrolls: number;
  readonly refusedUnrolls: number;
  /** Of the newest policy; -1 before the first. */
  readonly policyVersion: number;
  /** Since it arrived; Infinity before the first. */
  readonly policyAgeMs: number;
}

/** How often a flush looks whether it is done. */
const FLUSH_POLL_MS = 10;
/** How long a flush waits for a learner that is not there. */
const RECONNECT_GRACE_MS = 1_000;
const SAMPLE_INTERVAL_MS = 1_000;

/**
 * The connection of an actor host: brings the unrolls of its mailboxes to the learner, and the learner's
 * policies to its board.
 *
 *     mailbox -> outbox -> session, one each      GetPolicy -> board, one for all
 *
 * Everything in it is bounded: what does not fit stays in the mailbox, and a full mailbox makes its actor
 * wait.
 */
export class Uplink implements AsyncDisposable {
  readonly #options: UplinkOptions;
  readonly #actors: readonly UplinkActor[];
  readonly #policy: PolicyClient;
  readonly #meter: UplinkMeter;
  readonly #journal: Journal | undefined;
  /** Resolves when the learner says that the run is complete; rejects when there is no point in going on. */
  readonly finished: Promise<void>;
  #finish: () => void = () => undefined;
  #fail: (thrown: unknown) => void = () => undefined;
  #sessions: Promise<unknown> = Promise.resolve();
  #background: Promise<unknown> = Promise.resolve();
  #sampling: NodeJS.Timeout | undefined;
  readonly #log: UplinkLog;
  #isClosed = false;
  /** Of the connection that policies are fetched over. */
  #generation = 0;

  /** @throws RunError CONFIG_INVALID when the journal cannot be written. */
  constructor(options: UplinkOptions) {
    this.#options = options;
    const { memory, channel, run, policyIntervalMs, random, recorder, journal } = options;
    const { observer } = options;
    this.#log = new UplinkLog(channel.address, (level, message) => observer.onLog(level, message));
    this.#meter = new UplinkMeter(recorder);
    this.#journal = journal === undefined ? undefined : new Journal(journal);
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    this.finished.catch(() => undefined);
    this.#actors = memory.mailboxes.map((_, index) => this.#newActor(index));
    this.#policy = new PolicyClient({
      channel,
      runId: run.runId,
      board: new PolicyBoard(memory.board),
      intervalMs: policyIntervalMs,
      turnsAhead: run.onPolicy?.turnsAhead,
      random,
      onPolicy: (policy) => this.#meter.policy(policy),
      onFailure: (reason, message) => {
        this.#meter.policyFailure(reason);
        if (reason === "damaged") observer.onLog("warn", `a policy arrived damaged: ${message}`);
      },
      onCallEnd: (code, seconds) => this.#meter.call("GetPolicy", code, seconds),
    });
  }

  /** Begins to talk to the learner. */
  start(): void {
    const guard = (task: Promise<void>): Promise<void> => task.catch(this.#fail);
    this.#sessions = Promise.all(this.#actors.map(({ session }) => guard(session.run())));
    this.#background = Promise.all([guard(this.#policy.run()), guard(this.#moveUnrolls())]);
    this.#sampling = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS);
  }

  get status(): UplinkStatus {
    const sum = (of: (actor: UplinkActor) => number): number =>
      this.#actors.reduce((total, actor) => total + of(actor), 0);
    return {
      connected: this.#log.lostMs === undefined,
      disconnectedMs: this.#log.lostMs ?? 0,
      envSteps: sum(({ envSteps }) => envSteps),
      outboxFrames: sum(({ outboxFrames }) => outboxFrames),
      droppedUnrolls: sum(({ droppedUnrolls }) => droppedUnrolls),
      ...this.#meter.totals,
    };
  }

  /** An episode of the actor with this mailbox, for the learner to know. */
  episode(mailbox: number, end: EpisodeEnd): void {
    this.#actors[mailbox]?.episode(end);
  }

  /** A failure of that actor's environment, as JSON. */
  envFailure(mailbox: number, failure: string): void {
    this.#actors[mailbox]?.envFailure(failure);
  }

  /** Sends what is left, until all of it is durable or time is up. @returns Unrolls that are not. */
  async flush(timeoutMs: number): Promise<number> {
    const start = performance.now();
    for (;;) {
      for (const actor of this.#actors) actor.refill();
      const left = this.#actors.filter(({ isEmpty }) => !isEmpty);
      const isReachable = left.some(({ session }) => session.isOpen);
      const graceMs = this.#log.isDraining ? 0 : RECONNECT_GRACE_MS;
      const passedMs = performance.now() - start;
      if (left.length === 0 || passedMs > (isReachable ? timeoutMs : graceMs)) break;
      await sleep(FLUSH_POLL_MS);
    }
    return this.status.outboxFrames;
  }

  /** Waits for a learner that is finished to end the sessions, after its last acknowledgements. */
  async ended(timeoutMs: number): Promise<void> {
    const late = new AbortController();
    const { signal } = late;
    const timeout = sleep(timeoutMs, undefined, { signal }).catch(() => undefined);
    await Promise.race([this.#sessions, timeout]);
    late.abort();
  }

  /** Says goodbye for every actor and waits for the learner to hear it, but not for long. */
  async leave(reason: string, timeoutMs: number): Promise<void> {
    for (const { session } of this.#actors) session.leave(reason);
    await this.ended(timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sampling);
    this.#policy.stop();
    for (const { session } of this.#actors) session.cancel();
    ringDoorbell(this.#options.memory.doorbell);
    await Promise.all([this.#sessions, this.#background]);
    this.#sample();
    this.#journal?.[Symbol.dispose]();
  }

  #newActor(index: number): UplinkActor {
    const { memory, shape, channel, run, hostId, instance, outbox } = this.#options;
    const { giveUpAfterMs, random } = this.#options;
    const mailbox = memory.mailboxes[index];
    if (!mailbox) throw new RangeError(`mailbox ${index} of ${memory.mailboxes.length}`);
    return new UplinkActor({
      shape,
      mailbox: new SharedMailbox(mailbox),
      observer: this.#listenerOf(index),
      session: {
        ...{ channel, giveUpAfterMs, random },
        outbox: new Outbox(outbox),
        hello: {
          protocolVersion: PROTOCOL_VERSION,
          runId: run.runId,
          host: hostId,
          index,
          instance: Buffer.from(instance),
          envId: run.envId,
          shape: wireShape(shape),
        },
      },
    });
  }

  #listenerOf(index: number): UplinkActorObserver {
    let joined = false;
    return {
      onOpen: ({ session }, welcome) => {
        this.#opened(welcome);
        if (joined) this.#meter.reconnected();
        else if (session.identity) this.#options.observer.onJoined(index, session.identity);
        joined = true;
      },
      onLost: (message) => this.#log.lost(message),
      onNotice: (notice) => this.#notice(notice),
      onSettled: (frames, identity) => {
        this.#journal?.durable(frames, identity);
        this.#meter.durable(frames);
      },
      onRefused: (frame, refusal, identity) => this.#refused(frame, refusal, identity),
      onCallEnd: (code, seconds) => this.#meter.call("Session", code, seconds),
    };
  }

  /** Moves unrolls whenever an actor rings. */
  async #moveUnrolls(): Promise<void> {
    const doorbell = new DoorbellListener(this.#options.memory.doorbell);
    while (!this.#isClosed) {
      for (const actor of this.#actors) actor.refill();
      await doorbell.rung();
      // Actors that ring all the time must not keep sockets and timers from being heard.
      await nextMacrotask();
    }
  }

  #sample(): void {
    this.#meter.sample(this.#actors);
  }

  #opened({ term }: Welcome): void {
    const { generation } = this.#options.channel;
    if (generation !== this.#generation) this.#policy.askAgain();
    this.#generation = generation;
    const areAllOpen = this.#actors.every(({ session }) => session.isOpen);
    this.#log.opened(term, areAllOpen);
  }

  #notice(notice: Notice): void {
    this.#log.notice(notice);
    if (notice.kind === NoticeKind.NOTICE_KIND_FINISHED) this.#finish();
  }

  #refused(frame: SentFrame, refusal: FrameRefusal, identity: SessionIdentity): void {
    const reason = reasonName(refusal.reason);
    this.#journal?.refused(frame, refusal, identity);
    this.#meter.refused(reason);
    const which = `unroll ${frame.sequence} of actor ${identity.slot}`;
    this.#log.refused(which, reason, refusal.message);
  }
}
