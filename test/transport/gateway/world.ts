import { MetricsRecorder } from "../../../src/metrics/recorder.ts";
import { ActorTable } from "../../../src/replay/log/actor-table.ts";
import type { LoggedUnroll } from "../../../src/replay/log/log-reader.ts";
import type { ActorCursor, LogRecord } from "../../../src/replay/log/log-record.ts";
import { UnrollDecoder } from "../../../src/replay/unroll-codec.ts";
import { Gateway } from "../../../src/transport/gateway/gateway.ts";
import { firstIncarnation } from "../../../src/transport/gateway/roster.ts";
import type { Session } from "../../../src/transport/gateway/session.ts";
import {
  type ActorMessage,
  type LearnerMessage,
  RefusalReason,
} from "../../../src/transport/generated/troupe/v1/actor.ts";
import { SharedMailbox } from "../../../src/transport/shared-mailbox.ts";
import { frameOf, helloOf, payloadOf, run, shape } from "./harness.ts";

const QUEUE_SLOTS = 2;
const MAX_ACTORS = 32;
/** A learner without a log knows its actors' numbers and no names. */
const NAMELESS = { host: "", index: 0, instance: "", refused: [] };
const LIMITS = {
  maxActors: MAX_ACTORS,
  maxPayloadBytes: 1e6,
  windowSeconds: 0.25,
  heartbeatSeconds: 2,
};

/** Something made by an actor; its payload is no unroll if it is bad. */
interface Made {
  readonly seed: number;
  readonly isBad: boolean;
}

/** A learner on a disk that forgets what was not synced, its actors, and the messages between them. */
export class World {
  now = 0;
  /** The disk, and how many of its records survive a crash. */
  records: LogRecord[] = [];
  #synced = 0;
  /** Seeds in replay, by block number, and how many of them the last checkpoint holds. */
  ring: number[] = [];
  #cut = 0;
  /** How far each slot's frames are in replay, now and in the last checkpoint. */
  #progress = new Map<number, ActorCursor>();
  #saved: ActorCursor[] = [];
  readonly #isLogged: boolean;
  #term = 0;
  readonly actors: ModelActor[];
  readonly protocolErrors: string[] = [];
  #queue = newQueue();
  #gateway: Gateway;

  constructor(actors: number, durability: "log" | "memory") {
    this.#isLogged = durability === "log";
    this.#gateway = this.#start();
    this.actors = Array.from({ length: actors }, (_, index) => new ModelActor(this, index));
  }

  get gateway(): Gateway {
    return this.#gateway;
  }

  get window(): number {
    return this.#gateway.window;
  }

  /** Unrolls on the disk, by index. */
  get logged(): (LogRecord & { kind: "unroll" })[] {
    return this.records.filter((record) => record.kind === "unroll");
  }

  sync(): void {
    this.#synced = this.records.length;
    this.#gateway.synced(this.#synced);
  }

  pass(milliseconds: number): void {
    this.now += milliseconds;
    this.#gateway.pulse();
    this.#gateway.tick();
  }

  /** The learner takes a frame. */
  take(): void {
    const frame = this.#queue.peek();
    if (frame === undefined) return;
    const { unroll, incarnation, sequence } = frame;
    this.ring.push(unroll.rewards[0] ?? NaN);
    const cursor = { slot: unroll.actor, incarnation, next: sequence + 1 };
    this.#progress.set(unroll.actor, { ...cursor, ...NAMELESS });
    this.#queue.release();
  }

  checkpoint(): void {
    // A checkpoint waits until the log is sealed as far as it goes.
    this.sync();
    this.#cut = this.ring.length;
    this.#saved = [...this.#progress.values()];
  }

  /** The learner dies and another goes on from disk and checkpoint. */
  crash(): void {
    for (const actor of this.actors) actor.disconnect();
    this.records = this.records.slice(0, this.#synced);
    this.ring = this.ring.slice(0, this.#cut);
    this.#progress = new Map(this.#saved.map((cursor) => [cursor.slot, cursor]));
    this.#queue = newQueue();
    this.#gateway = this.#start();
  }

  #start(): Gateway {
    this.#term++;
    const options = {
      maxActors: MAX_ACTORS,
      ...(this.#isLogged ? {} : { firstIncarnation: firstIncarnation(this.#term) }),
    };
    const table = ActorTable.restore(options, this.#isLogged ? [] : this.#saved, this.now);
    if (this.#isLogged) for (const record of this.records) table.apply(record, this.now);
    const synced = (): number => this.#synced;
    return new Gateway({
      run: { ...run, term: this.#term },
      limits: LIMITS,
      table,
      log: this.#isLogged
        ? {
            append: (record) => this.records.push(structuredClone(record)) - 1,
            get durable() {
              return synced();
            },
          }
        : undefined,
      replay: this.#isLogged ? this.#unreplayed() : undefined,
      queue: this.#queue,
      doorbell: new SharedArrayBuffer(4),
      recorder: new MetricsRecorder(),
      emit: () => undefined,
      now: () => this.now,
    });
  }

  *#unreplayed(): Generator<LoggedUnroll> {
    const all = this.logged;
    for (let index = this.#cut; index < all.length; index++) {
      const record = all[index];
      if (record) yield { ...record, index };
    }
  }
}

function newQueue(): SharedMailbox {
  return new SharedMailbox(SharedMailbox.allocate(shape, QUEUE_SLOTS, 0));
}

/** An actor as docs/protocol.md has it, with a network that delivers when it is told to. */
export class ModelActor {
  readonly #world: World;
  readonly #index: number;
  #instance = 0;
  #identity: { slot: number; incarnation: number } | undefined;
  /** Made and not done with, numbered from `#firstKept` on. */
  #outbox: Made[] = [];
  #firstKept = 0;
  /** The next frame to send on this connection. */
  #cursor = 0;
  #limit = 0;
  /** Frames done with above one that is not. */
  readonly #holes = new Set<number>();
  #session: Session | undefined;
  #isOpen = false;
  #up: ActorMessage[] = [];
  #down: LearnerMessage[] = [];
  #made = 0;
  /** Seeds of this incarnation that the learner says are durable, and those it refused. */
  durable: number[] = [];
  refused: number[] = [];
  /** Seeds of bad and good frames made since this process began. */
  bad: number[] = [];
  good: number[] = [];

  constructor(world: World, index: number) {
    this.#world = world;
    this.#index = index;
  }

  get kept(): number {
    return this.#outbox.length;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get identity(): { slot: number; incarnation: number } | undefined {
    return this.#identity;
  }

  make(isBad: boolean): void {
    if (this.#outbox.length >= 8) return;
    const seed = this.#index * 100_000 + this.#instance * 1000 + this.#made++;
    (isBad ? this.bad : this.good).push(seed);
    this.#outbox.push({ seed, isBad });
    this.#send();
  }

  connect(): void {
    if (this.#session) return;
    const { gateway } = this.#world;
    // What a broken connection still carries is lost.
    const down: LearnerMessage[] = [];
    this.#down = down;
    this.#session = gateway.connect({
      peer: "model",
      send: (message) => down.push(structuredClone(message)) < 1000,
      end: () => undefined,
    });
    const instance = Buffer.alloc(16, this.#instance + 1);
    const resume = this.#identity && { ...this.#identity, firstKeptSequence: this.#firstKept };
    const hello = helloOf({ host: "model", index: this.#index, instance, resume });
    this.#up.push({ message: { $case: "hello", value: hello } });
  }

  /** The connection breaks, with what is on it; the learner may hear of it later, or never. */
  disconnect(isHeard = true): void {
    if (isHeard) this.#session?.lost();
    this.#session = undefined;
    this.#isOpen = false;
    this.#up = [];
    this.#down = [];
  }

  /** The process dies and is started again. */
  restart(): void {
    this.disconnect();
    this.#instance++;
    this.#identity = undefined;
    this.#outbox = [];
    this.#firstKept = 0;
    this.#holes.clear();
    this.durable = [];
    this.refused = [];
    this.bad = [];
    this.good = [];
  }

  deliverUp(): void {
    const message = this.#up.shift();
    if (message) this.#session?.receive(message);
  }

  /** A frame on its way is damaged. */
  corrupt(): void {
    const message = this.#up.at(-1)?.message;
    if (message?.$case === "frame") message.value.checksum ^= 1;
  }

  /** The network brings a frame a second time, as a resend does. */
  duplicate(): void {
    const frame = this.#up.find(({ message }) => message?.$case === "frame");
    if (frame) this.#up.unshift(structuredClone(frame));
  }

  beat(): void {
    if (!this.#isOpen) return;
    this.#up.push({
      message: {
        $case: "heartbeat",
        value: {
          episodes: [],
          outboxFrames: 0,
          envStepsPerSecond: 0,
          policyVersion: 0,
          envFailures: [],
          droppedUnrolls: 0,
        },
      },
    });
  }

  deliverDown(): void {
    const said = this.#down.shift()?.message;
    switch (said?.$case) {
      case undefined:
      case "notice":
        return;
      case "welcome": {
        const { slot, incarnation, nextSequence, durable, refused, sendLimit } = said.value;
        const before = this.#identity;
        if (before && (before.slot !== slot || before.incarnation !== incarnation))
          this.#renumber();
        this.#identity = { slot, incarnation };
        for (const { sequence } of refused) this.#drop(sequence, this.refused);
        this.#settle(durable);
        this.#cursor = nextSequence;
        this.#limit = sendLimit;
        this.#isOpen = true;
        this.#send();
        return;
      }
      case "acknowledgement":
        this.#settle(said.value.durable);
        this.#limit = said.value.sendLimit;
        this.#send();
        return;
      case "frameRefusal":
        if (said.value.resend) this.#cursor = said.value.sequence;
        else this.#drop(said.value.sequence, this.refused);
        this.#send();
        return;
      case "refusal": {
        const { reason, message } = said.value;
        if (reason === RefusalReason.REFUSAL_REASON_PROTOCOL) {
          this.#world.protocolErrors.push(message);
        }
        if (reason === RefusalReason.REFUSAL_REASON_FENCED) this.restart();
        else this.disconnect();
        return;
      }
      default:
        said satisfies never;
    }
  }

  /** Frames with a number are gone from the outbox once they are durable or refused. */
  #settle(durable: number): void {
    const made = this.#firstKept + this.#outbox.length;
    if (durable > made) throw new Error(`told that ${durable} frames are durable, of ${made}`);
    while (this.#firstKept < durable) this.#drop(this.#firstKept, this.durable);
  }

  #drop(sequence: number, into: number[]): void {
    const made = this.#outbox[sequence - this.#firstKept];
    if (sequence < this.#firstKept || made === undefined || this.#holes.has(sequence)) {
      if (sequence === this.#firstKept) this.#advance();
      return;
    }
    into.push(made.seed);
    this.#holes.add(sequence);
    if (sequence === this.#firstKept) this.#advance();
  }

  #advance(): void {
    while (this.#holes.delete(this.#firstKept)) {
      this.#outbox.shift();
      this.#firstKept++;
    }
  }

  /** The learner has forgotten this incarnation. */
  #renumber(): void {
    this.#outbox = this.#outbox.filter((_, i) => !this.#holes.has(this.#firstKept + i));
    this.#holes.clear();
    this.#firstKept = 0;
  }

  #send(): void {
    if (!this.#isOpen) return;
    this.#cursor = Math.max(this.#cursor, this.#firstKept);
    for (; this.#cursor < this.#limit; this.#cursor++) {
      // Frames that were refused are forgotten.
      if (this.#holes.has(this.#cursor)) continue;
      const made = this.#outbox[this.#cursor - this.#firstKept];
      if (made === undefined) return;
      const payload = made.isBad ? Buffer.from([made.seed & 127]) : payloadOf(made.seed);
      this.#up.push({ message: { $case: "frame", value: frameOf(this.#cursor, payload) } });
    }
  }
}

/** The seed that a payload says. */
export function seedOf(payload: Uint8Array): number {
  const { unroll } = new UnrollDecoder(shape).decode(payload, 0);
  return unroll?.rewards[0] ?? NaN;
}
