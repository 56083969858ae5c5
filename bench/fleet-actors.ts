import { randomBytes } from "node:crypto";
import { crc32c } from "@node-rs/crc32";
import { RandomStream } from "../src/math/random.ts";
import type { Unroll, UnrollShape } from "../src/protocol.ts";
import { encodeUnroll } from "../src/replay/unroll-codec.ts";
import type { GetRunResponse } from "../src/transport/generated/troupe/v1/actor.ts";
import { unrollShapeIn, wireShape } from "../src/transport/on-policy-run.ts";
import { PROTOCOL_VERSION } from "../src/transport/protocol-version.ts";
import { LearnerChannel } from "../src/transport/uplink/channel.ts";
import { DEFAULT_OUTBOX, Outbox, type OutboxFrame } from "../src/transport/uplink/outbox.ts";
import { SessionClient } from "../src/transport/uplink/session-client.ts";

export interface FleetOptions {
  /** HOST:PORT of the learner. */
  readonly learner: string;
  readonly actors: number;
  /** Actors share them evenly: a host is one connection. */
  readonly hosts: number;
  /** Begins the names of the hosts; fleets of one learner need different ones. */
  readonly name: string;
}

/** What an actor did so far. */
export interface ActorCounts {
  durableFrames: number;
  refusedFrames: number;
  /** Times the session was opened. */
  sessions: number;
  /** Why sessions were lost. */
  readonly losses: string[];
}

/** Payloads made in advance; each actor sends them round and round. */
const PAYLOADS = 32;
const KEPT_LATENCIES = 200_000;

/**
 * Actors that do nothing but send: each has its own session, as in an actor host, over one connection for
 * each host, and always another unroll for the learner that lets it send one.
 */
export class Fleet {
  readonly actors: readonly SimulatedActor[];
  /** From the moment a frame was sent to the word that it is durable; the newest ones. */
  readonly latenciesMs: number[] = [];
  readonly #channels: readonly LearnerChannel[];
  readonly #runs: Promise<unknown>[] = [];

  private constructor(
    channels: readonly LearnerChannel[],
    run: GetRunResponse,
    options: FleetOptions,
  ) {
    const shape = unrollShapeIn(run);
    if (!shape) throw new Error("the learner told no shape");
    this.#channels = channels;
    const frames = makeFrames(shape);
    this.actors = Array.from({ length: options.actors }, (_, i) => {
      const host = i % options.hosts;
      const channel = channels[host];
      if (!channel) throw new RangeError(`host ${host}`);
      const onLatency = (ms: number): void => {
        if (this.latenciesMs.length < KEPT_LATENCIES) this.latenciesMs.push(ms);
        else this.latenciesMs[Math.floor(Math.random() * KEPT_LATENCIES)] = ms;
      };
      const index = Math.floor(i / options.hosts);
      return new SimulatedActor(
        { channel, run, shape, frames, onLatency },
        { host: `${options.name}-${host}`, index },
      );
    });
  }

  /** Connects, asks for the run, and begins to send. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const channels = Array.from(
      { length: options.hosts },
      () => new LearnerChannel(options.learner, undefined),
    );
    const [first] = channels;
    if (!first) throw new RangeError("a fleet has a host");
    const run = await first.getRun(new AbortController().signal);
    const fleet = new Fleet(channels, run, options);
    for (const actor of fleet.actors) {
      fleet.#runs.push(actor.run());
      // A thousand hellos at once are not what is measured.
      if (fleet.#runs.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return fleet;
  }

  get connected(): number {
    return this.actors.filter((actor) => actor.isOpen).length;
  }

  get durableFrames(): number {
    return this.actors.reduce((sum, { counts }) => sum + counts.durableFrames, 0);
  }

  async stop(): Promise<void> {
    for (const actor of this.actors) actor.leave();
    const patience = new Promise((resolve) => setTimeout(resolve, 3_000).unref());
    await Promise.race([Promise.allSettled(this.#runs), patience]);
    for (const channel of this.#channels) channel[Symbol.dispose]();
  }
}

interface ActorParts {
  readonly channel: LearnerChannel;
  readonly run: GetRunResponse;
  readonly shape: UnrollShape;
  readonly frames: readonly OutboxFrame[];
  readonly onLatency: (milliseconds: number) => void;
}

class SimulatedActor {
  readonly counts: ActorCounts = { durableFrames: 0, refusedFrames: 0, sessions: 0, losses: [] };
  readonly #outbox = new Outbox(DEFAULT_OUTBOX);
  readonly #session: SessionClient;
  readonly #frames: readonly OutboxFrame[];
  #next: number;

  constructor(parts: ActorParts, name: { readonly host: string; readonly index: number }) {
    const { channel, run, shape, frames, onLatency } = parts;
    this.#frames = frames;
    this.#next = name.index;
    this.#session = new SessionClient({
      channel,
      outbox: this.#outbox,
      giveUpAfterMs: 60_000,
      random: Math.random,
      hello: {
        protocolVersion: PROTOCOL_VERSION,
        runId: run.runId,
        ...name,
        instance: randomBytes(16),
        envId: run.envId,
        shape: wireShape(shape),
      },
      observer: {
        onOpen: () => {
          this.counts.sessions += 1;
        },
        onLost: (message) => void this.counts.losses.push(message),
        onSettled: (settled) => {
          const now = performance.now();
          this.counts.durableFrames += settled.length;
          for (const { sentAt } of settled) onLatency(now - sentAt);
        },
        onRefused: () => {
          this.counts.refusedFrames += 1;
        },
        onNotice: () => undefined,
        onRoom: () => this.#fill(),
        heartbeat: () => ({
          episodes: [],
          outboxFrames: this.#outbox.length,
          envStepsPerSecond: 0,
          policyVersion: -1,
          envFailures: [],
          droppedUnrolls: 0,
        }),
        onCallEnd: () => undefined,
      },
    });
    this.#fill();
  }

  get isOpen(): boolean {
    return this.#session.isOpen;
  }

  run(): Promise<void> {
    return this.#session.run().catch((error: Error) => void this.counts.losses.push(error.message));
  }

  leave(): void {
    this.#session.leave("the fleet stops");
  }

  #fill(): void {
    for (;;) {
      const frame = this.#frames[this.#next % this.#frames.length];
      if (!(frame && this.#outbox.push(frame))) break;
      this.#next += 1;
    }
    this.#session.pump();
  }
}

/** Unrolls of the longest length with plausible numbers, encoded and with their checksums. */
function makeFrames(shape: UnrollShape): OutboxFrame[] {
  const random = RandomStream.derive(1, "fleet");
  return Array.from({ length: PAYLOADS }, () => {
    const payload = encodeUnroll(makeUnroll(shape, random), shape);
    return { payload, checksum: crc32c(payload), steps: shape.unrollLength };
  });
}

function makeUnroll(shape: UnrollShape, random: RandomStream): Unroll {
  const { observationSize, actionSize, unrollLength: length } = shape;
  const numbers = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => random.uniformBetween(-1, 1));
  return {
    actor: 0,
    env: 0,
    length,
    observations: numbers((length + 1) * observationSize),
    actions: numbers(length * actionSize),
    rewards: numbers(length),
    terminated: new Uint8Array(length),
    truncated: new Uint8Array(length),
    policyVersions: new Int32Array(length).fill(-1),
  };
}
