import { crc32c } from "@node-rs/crc32";
import type { UnrollShape } from "../../protocol.ts";
import { encodeUnroll } from "../../replay/unroll-codec.ts";
import type {
  EpisodeEnd,
  FrameRefusal,
  Heartbeat,
  Notice,
  Welcome,
} from "../generated/troupe/v1/actor.ts";
import type { SharedMailbox } from "../shared-mailbox.ts";
import type { Outbox, SentFrame } from "./outbox.ts";
import { SessionClient, type SessionIdentity, type SessionOptions } from "./session-client.ts";

export interface UplinkActorOptions {
  readonly shape: UnrollShape;
  /** Where the actor's thread puts its unrolls; this is the reader's side. */
  readonly mailbox: SharedMailbox;
  readonly session: Omit<SessionOptions, "observer">;
  readonly observer: UplinkActorObserver;
}

export interface UplinkActorObserver {
  onOpen(actor: UplinkActor, welcome: Welcome): void;
  onLost(message: string): void;
  onNotice(notice: Notice): void;
  onSettled(frames: readonly SentFrame[], identity: SessionIdentity): void;
  onRefused(frame: SentFrame, refusal: FrameRefusal, identity: SessionIdentity): void;
  onCallEnd(status: string, seconds: number): void;
}

/** Told with the next heartbeat at most; without a learner to hear them, the newest are kept. */
const MAX_EPISODES = 1000;
/** Told one at a time, as each may be long; the first tell most. */
const MAX_FAILURES = 5;

/** An actor's way from its mailbox to its session. */
export class UplinkActor {
  readonly session: SessionClient;
  readonly #options: UplinkActorOptions;
  readonly #outbox: Outbox;
  #episodes: EpisodeEnd[] = [];
  readonly #envFailures: string[] = [];
  #envSteps = 0;
  #policyVersion = -1;
  #reported = { at: performance.now(), envSteps: 0 };

  constructor(options: UplinkActorOptions) {
    const { observer } = options;
    this.#options = options;
    this.#outbox = options.session.outbox;
    this.session = new SessionClient({
      ...options.session,
      observer: {
        onOpen: (welcome) => observer.onOpen(this, welcome),
        onLost: (message) => observer.onLost(message),
        onNotice: (notice) => observer.onNotice(notice),
        onSettled: (frames, identity) => observer.onSettled(frames, identity),
        onRefused: (frame, refusal, identity) => observer.onRefused(frame, refusal, identity),
        onRoom: () => this.refill(),
        heartbeat: () => this.#heartbeat(),
        onCallEnd: (status, seconds) => observer.onCallEnd(status, seconds),
      },
    });
  }

  /** Environment steps in the unrolls taken from the mailbox. */
  get envSteps(): number {
    return this.#envSteps;
  }

  /** Unrolls that are not durable yet, as far as this thread has seen them. */
  get outboxFrames(): number {
    return this.#outbox.length;
  }

  get droppedUnrolls(): number {
    return this.#outbox.dropped;
  }

  get resentUnrolls(): number {
    return this.#outbox.resent;
  }

  /** Of the newest unroll's last step; -1: at random. */
  get policyVersion(): number {
    return this.#policyVersion;
  }

  /** Nothing of this actor waits to be sent or to become durable. */
  get isEmpty(): boolean {
    return this.#outbox.length === 0 && this.#options.mailbox.waiting === 0;
  }

  /**
   * Moves unrolls from the mailbox to the outbox while there is room, and on to the learner. What stays in
   * the mailbox makes the actor wait.
   */
  refill(): void {
    const { mailbox, shape } = this.#options;
    for (;;) {
      const frame = this.#outbox.canTake ? mailbox.peek() : undefined;
      if (!frame) break;
      const { unroll } = frame;
      // Nobody else wants to know.
      const endsTurn = shape.extras !== undefined && frame.endsTurn;
      const payload = encodeUnroll(unroll, shape, endsTurn);
      this.#outbox.push({ payload, checksum: crc32c(payload), steps: unroll.length });
      this.#envSteps += unroll.length;
      this.#policyVersion = unroll.policyVersions[unroll.length - 1] ?? -1;
      mailbox.release();
      // What is sent at once leaves room for the next.
      this.session.pump();
    }
  }

  /** An episode to be told with the next heartbeat. */
  episode(end: EpisodeEnd): void {
    if (this.#episodes.length === MAX_EPISODES) this.#episodes.shift();
    this.#episodes.push(end);
  }

  /** How to make an environment fail again, as JSON; to be told with one of the next heartbeats. */
  envFailure(failure: string): void {
    if (this.#envFailures.length < MAX_FAILURES) this.#envFailures.push(failure);
  }

  #heartbeat(): Heartbeat {
    const at = performance.now();
    const seconds = (at - this.#reported.at) / 1000;
    const steps = this.#envSteps - this.#reported.envSteps;
    const episodes = this.#episodes;
    this.#episodes = [];
    this.#reported = { at, envSteps: this.#envSteps };
    return {
      episodes,
      envFailures: this.#envFailures.splice(0, 1),
      outboxFrames: this.#outbox.length,
      envStepsPerSecond: seconds > 0 ? steps / seconds : 0,
      policyVersion: this.#policyVersion,
      droppedUnrolls: this.#outbox.dropped,
    };
  }
}
