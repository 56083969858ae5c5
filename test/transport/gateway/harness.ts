import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClientDuplexStream, credentials, type ServiceError } from "@grpc/grpc-js";
import { crc32c } from "@node-rs/crc32";
import type { UnrollShape } from "../../../src/protocol.ts";
import { SealBarrier } from "../../../src/replay/log/seal-barrier.ts";
import { encodeUnroll } from "../../../src/replay/unroll-codec.ts";
import { GatewayHost } from "../../../src/transport/gateway/gateway-host.ts";
import type {
  Delivery,
  GatewayEvent,
  GatewayLimits,
  GatewaySetup,
} from "../../../src/transport/gateway/gateway-task.ts";
import {
  type ActorMessage,
  ActorServiceClient,
  type Frame,
  type GetRunResponse,
  type Hello,
  type LearnerMessage,
  type Welcome,
} from "../../../src/transport/generated/troupe/v1/actor.ts";
import { unrollShapeIn, wireShape } from "../../../src/transport/on-policy-run.ts";
import { PolicyBoard } from "../../../src/transport/policy-board.ts";
import { SharedMailbox } from "../../../src/transport/shared-mailbox.ts";

export const shape: UnrollShape = { observationSize: 3, actionSize: 2, unrollLength: 4 };

/** A payload that says `seed` in its first reward. */
export function payloadOf(seed: number, change: Partial<ReturnType<typeof unrollOf>> = {}): Buffer {
  return Buffer.from(encodeUnroll({ ...unrollOf(seed), ...change }, shape));
}

export function unrollOf(seed: number, of: UnrollShape = shape) {
  const { observationSize, actionSize, unrollLength: length } = of;
  return {
    actor: 0,
    env: 0,
    length,
    observations: new Float32Array((length + 1) * observationSize).fill(0.25),
    actions: new Float32Array(length * actionSize).fill(0.5),
    rewards: new Float32Array(length).fill(seed),
    terminated: new Uint8Array(length),
    truncated: new Uint8Array(length),
    policyVersions: new Int32Array(length).fill(7),
  };
}

export function frameOf(sequence: number, payload: Buffer = payloadOf(sequence)): Frame {
  return { sequence, checksum: crc32c(payload), payload };
}

export function helloOf(change: Partial<Hello> = {}): Hello {
  return {
    protocolVersion: 1,
    runId: "",
    host: "host-a",
    index: 0,
    instance: randomBytes(16),
    envId: "Test-v0",
    shape: wireShape(shape),
    resume: undefined,
    ...change,
  };
}

export const run: GetRunResponse = {
  runId: "run-1",
  term: 1,
  envId: "Test-v0",
  envOptionsJson: "{}",
  shape: wireShape(shape),
  envsPerActor: 2,
  seed: 1,
  normalizesObservations: true,
  parameterCount: 1000,
  policyProgram: Buffer.from([1, 2, 3]),
  stepTimeoutSeconds: 5,
  algorithm: "sac",
  onPolicy: undefined,
};

export interface HarnessOptions {
  readonly durability?: "memory" | "log";
  readonly folder?: string;
  readonly cut?: number;
  readonly run?: Partial<GetRunResponse>;
  readonly limits?: Partial<GatewayLimits>;
  readonly queueSlots?: number;
  readonly cursors?: Extract<Delivery, { durability: "memory" }>["cursors"];
  readonly setup?: Partial<GatewaySetup>;
}

/** What the gateway's task is without a gateway: shared memory and settings. */
export function setupOf(options: HarnessOptions = {}): GatewaySetup {
  const { durability = "memory", cut = 0, cursors = [], queueSlots = 16 } = options;
  const theRun = { ...run, ...options.run };
  const theShape = unrollShapeIn(theRun) ?? shape;
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "gateway-"));
  mkdirSync(join(folder, "terms"), { recursive: true });
  const delivery: Delivery =
    durability === "memory"
      ? { durability, cursors }
      : { durability, cut, quotaBytes: 1e9, barrier: SealBarrier.allocate() };
  return {
    folder,
    run: theRun,
    totalSteps: 1000,
    progress: { envSteps: 0, learnerSteps: 0, limiter: undefined },
    listen: [{ host: "127.0.0.1", port: 0, tls: undefined }],
    limits: {
      maxActors: 8,
      maxPayloadBytes: 8 << 20,
      windowSeconds: 0.25,
      heartbeatSeconds: 2,
      ...options.limits,
    },
    delivery,
    queue: SharedMailbox.allocate(theShape, queueSlots, 0),
    board: PolicyBoard.allocate(theRun.parameterCount, theShape.observationSize),
    doorbell: new SharedArrayBuffer(4),
    ...options.setup,
  };
}

/** A gateway over real sockets, with the learner's end of its queue in hand. */
export class Harness implements AsyncDisposable {
  readonly host: GatewayHost;
  readonly setup: GatewaySetup;
  readonly events: GatewayEvent[];
  readonly queue: SharedMailbox;
  readonly client: ActorServiceClient;
  readonly actors: RawActor[] = [];
  #taking: NodeJS.Timeout | undefined;
  /** What the learner took: first reward, slot, incarnation, sequence. */
  readonly taken: { seed: number; slot: number; incarnation: number; sequence: number }[] = [];

  private constructor(host: GatewayHost, setup: GatewaySetup, events: GatewayEvent[]) {
    this.host = host;
    this.setup = setup;
    this.events = events;
    this.queue = new SharedMailbox(setup.queue);
    this.client = new ActorServiceClient(this.address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc-node.flow_control_window": 4 << 20,
      "grpc.max_send_message_length": -1,
    });
  }

  static async open(options: HarnessOptions = {}): Promise<Harness> {
    const setup = setupOf(options);
    const events: GatewayEvent[] = [];
    const host = await GatewayHost.open(setup, (event) => events.push(event));
    return new Harness(host, setup, events);
  }

  get address(): string {
    return `127.0.0.1:${this.host.ports[0]}`;
  }

  get logLines(): string[] {
    return this.events.flatMap((event) => (event.type === "log" ? [event.message] : []));
  }

  /** Takes what is in the queue, as the learner's thread does. */
  take(most = Infinity): number {
    let count = 0;
    for (; count < most; count++) {
      const frame = this.queue.peek();
      if (frame === undefined) break;
      const { unroll, incarnation, sequence } = frame;
      this.taken.push({
        seed: unroll.rewards[0] ?? NaN,
        slot: unroll.actor,
        incarnation,
        sequence,
      });
      this.queue.release();
    }
    return count;
  }

  /** Takes whatever comes from now on. */
  keepTaking(): void {
    this.#taking = setInterval(() => this.take(), 1);
  }

  open(): RawActor {
    const actor = new RawActor(this.client.session());
    this.actors.push(actor);
    return actor;
  }

  /** An actor that has been welcomed. */
  async join(change: Partial<Hello> = {}): Promise<{ actor: RawActor; welcome: Welcome }> {
    const actor = this.open();
    const welcome = await actor.join(change);
    return { actor, welcome };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#taking);
    for (const actor of this.actors) actor.stream.cancel();
    this.client.close();
    await this.host[Symbol.asyncDispose]();
    rmSync(this.setup.folder, { recursive: true, force: true });
  }
}

type Said = NonNullable<LearnerMessage["message"]>;
type Values = { [S in Said as S["$case"]]: S["value"] };

/** An actor that says just what it is told to. */
export class RawActor {
  readonly stream: ClientDuplexStream<ActorMessage, LearnerMessage>;
  readonly heard: Said[] = [];
  /** "end", or gRPC's code and details. */
  end: string | undefined;

  constructor(stream: ClientDuplexStream<ActorMessage, LearnerMessage>) {
    this.stream = stream;
    stream.on("data", ({ message }: LearnerMessage) => {
      if (message) this.heard.push(message);
    });
    stream.on("end", () => {
      this.end ??= "end";
    });
    stream.on("error", (error: ServiceError) => {
      this.end ??= `${error.code} ${error.details}`;
    });
  }

  say(message: NonNullable<ActorMessage["message"]>): boolean {
    return this.stream.write({ message });
  }

  send(...frames: Frame[]): void {
    for (const value of frames) this.say({ $case: "frame", value });
  }

  async join(change: Partial<Hello> = {}): Promise<Welcome> {
    this.say({ $case: "hello", value: helloOf(change) });
    return this.wait("welcome");
  }

  /** What was said last of a kind. */
  last<K extends keyof Values>(kind: K): Values[K] | undefined {
    return this.all(kind).at(-1);
  }

  all<K extends keyof Values>(kind: K): Values[K][] {
    return this.heard.flatMap(({ $case, value }) => ($case === kind ? [value as Values[K]] : []));
  }

  async wait<K extends keyof Values>(
    kind: K,
    condition: (value: Values[K]) => boolean = () => true,
  ): Promise<Values[K]> {
    const found = await poll(
      () => this.all(kind).filter(condition).at(-1) ?? undefined,
      () => `${kind}; heard ${this.#story}`,
    );
    return found as Values[K];
  }

  /** The reason and message of a refusal, once the call has ended. */
  async refusal(): Promise<{ reason: number; message: string }> {
    const refusal = await this.wait("refusal");
    await poll(() => this.end, "the end of the call");
    return refusal;
  }

  get #story(): string {
    return `${this.heard.map(({ $case }) => $case).join(", ")}; ${this.end ?? "still open"}`;
  }
}

/** Waits for something to become true; by far not as long, unless something is wrong. */
export async function poll<T>(
  look: () => T | undefined | false,
  what: string | (() => string),
  mostMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + mostMs;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) {
      throw new Error(`waited in vain for ${typeof what === "string" ? what : what()}`);
    }
    await sleep(2);
  }
}
