import { Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { TestContext } from "vitest";
import {
  type ActorMessage,
  ActorServiceService,
  type Frame,
  type GetPolicyResponse,
  type GetRunResponse,
  type Heartbeat,
  type Hello,
  type LearnerMessage,
  type Welcome,
} from "../../../src/transport/generated/troupe/v1/actor.ts";
import { wireShape } from "../../../src/transport/on-policy-run.ts";
import { shape } from "../unrolls.ts";

export const welcome: Welcome = {
  runId: "run",
  term: 1,
  slot: 3,
  incarnation: 1,
  nextSequence: 0,
  durable: 0,
  refused: [],
  sendLimit: 1000,
  heartbeatSeconds: 0.1,
  maxPayloadBytes: 8 << 20,
};

/** A session as a script sees it: what the actor says, one after the other, and the means to answer. */
export class ScriptedSession {
  readonly #stream: ServerDuplexStream<ActorMessage, LearnerMessage>;
  readonly #heard: NonNullable<ActorMessage["message"]>[] = [];
  #wake: () => void = () => undefined;
  ended = false;

  constructor(stream: ServerDuplexStream<ActorMessage, LearnerMessage>) {
    this.#stream = stream;
    stream.on("data", ({ message }: ActorMessage) => {
      if (message) this.#heard.push(message);
      this.#wake();
    });
    const end = (): void => {
      this.ended = true;
      this.#wake();
    };
    stream.on("end", end).on("error", end).on("cancelled", end);
  }

  say(message: NonNullable<LearnerMessage["message"]>): void {
    this.#stream.write({ message });
  }

  /** Welcomes, with these fields instead of the usual ones. */
  welcome(fields: Partial<Welcome> = {}): void {
    this.say({ $case: "welcome", value: { ...welcome, ...fields } });
  }

  acknowledge(durable: number, sendLimit = 1000): void {
    const value = { accepted: durable, durable, sendLimit };
    this.say({ $case: "acknowledgement", value });
  }

  end(): void {
    this.#stream.end();
  }

  /** Reads no more, as a learner that is overloaded. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Ends the call as a connection that breaks does. */
  breakOff(): void {
    this.#stream.emit("error", { code: status.UNAVAILABLE, details: "broken" });
  }

  hello(): Promise<Hello> {
    return this.#next("hello");
  }

  frame(): Promise<Frame> {
    return this.#next("frame");
  }

  /** The sequence numbers of the next frames. */
  async sequences(count: number): Promise<number[]> {
    const sequences: number[] = [];
    while (sequences.length < count) sequences.push((await this.frame()).sequence);
    return sequences;
  }

  heartbeat(): Promise<Heartbeat> {
    return this.#next("heartbeat");
  }

  goodbye(): Promise<{ reason: string }> {
    return this.#next("goodbye");
  }

  /** Resolves when the actor has closed its side or is gone. */
  async over(): Promise<void> {
    while (!this.ended) await this.#woken();
  }

  /** Frames that have arrived and were not asked for. */
  get pendingFrames(): number {
    return this.#heard.filter(({ $case }) => $case === "frame").length;
  }

  /** The next message of a kind; others before it stay. */
  async #next<Case extends NonNullable<ActorMessage["message"]>["$case"]>(
    kind: Case,
  ): Promise<Extract<NonNullable<ActorMessage["message"]>, { $case: Case }>["value"]> {
    for (;;) {
      const index = this.#heard.findIndex(({ $case }) => $case === kind);
      const [message] = index < 0 ? [] : this.#heard.splice(index, 1);
      if (message) return message.value as never;
      if (this.ended) throw new Error(`the session ended before a ${kind}`);
      await this.#woken();
    }
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

export interface LearnerScript {
  readonly run?: Partial<GetRunResponse>;
  /** What GetRun is answered with instead. */
  readonly runFailure?: { readonly code: status; readonly details: string };
  /** The slices that answer the n-th GetPolicy, from 0; undefined: no answer until the learner closes. */
  readonly policy?: (call: number, havePublication: number) => GetPolicyResponse[] | undefined;
}

/** A learner that does what a test says: a gRPC server and nothing behind it. */
export class ScriptedLearner {
  readonly #script: LearnerScript;
  readonly #server = new Server();
  readonly #sessions: ScriptedSession[] = [];
  #wake: () => void = () => undefined;
  #policyCalls = 0;
  /** The run asked for with each GetPolicy. */
  readonly havePublications: number[] = [];
  port = 0;

  private constructor(script: LearnerScript) {
    this.#script = script;
    this.#server.addService(ActorServiceService, {
      getRun: (_call: unknown, callback: (error: object | null, run: GetRunResponse) => void) =>
        callback(this.#script.runFailure ?? null, this.run),
      session: (stream: ServerDuplexStream<ActorMessage, LearnerMessage>) => {
        this.#sessions.push(new ScriptedSession(stream));
        this.#wake();
      },
      getPolicy: (call: {
        request: { havePublication: number };
        write(slice: GetPolicyResponse): void;
        end(): void;
      }) => {
        this.havePublications.push(call.request.havePublication);
        const slices = this.#script.policy?.(this.#policyCalls++, call.request.havePublication);
        if (!slices) return;
        for (const slice of slices) call.write(slice);
        call.end();
      },
    });
  }

  /** @param port 0: any free one. Closed when the test ends. */
  static async open(
    context: TestContext,
    script: LearnerScript = {},
    port = 0,
  ): Promise<ScriptedLearner> {
    const learner = new ScriptedLearner(script);
    learner.port = await new Promise((resolve, reject) => {
      const credentials = ServerCredentials.createInsecure();
      learner.#server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    context.onTestFinished(() => learner.close());
    return learner;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get run(): GetRunResponse {
    return {
      runId: "run",
      term: 1,
      envId: "PointMass-v0",
      envOptionsJson: "{}",
      shape: wireShape(shape),
      envsPerActor: 1,
      seed: 1,
      normalizesObservations: false,
      parameterCount: 10,
      policyProgram: Buffer.alloc(0),
      stepTimeoutSeconds: 10,
      algorithm: "sac",
      onPolicy: undefined,
      ...this.#script.run,
    };
  }

  /** The next session that an actor opens. */
  async session(): Promise<ScriptedSession> {
    for (;;) {
      const session = this.#sessions.shift();
      if (session) return session;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#server.forceShutdown();
  }
}
