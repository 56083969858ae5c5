import { status } from "@grpc/grpc-js";
import type { MetricsRecorder } from "../../metrics/recorder.ts";
import { Fifo } from "./fifo.ts";
import type { PolicySource } from "./policy-source.ts";

/** Of policies larger than this, only so many are sent at a time: the others would only slow these down. */
const LARGE_BYTES = 10e6;
const LARGE_AT_A_TIME = 32;

/** A subscriber that takes nothing for so long is sent away. */
const STALL_MS = 30_000;

/** The stream that answers GetPolicy: encoded GetPolicyResponse messages. */
export interface PolicyStream {
  readonly cancelled: boolean;
  /** Returns false when enough is buffered. */
  write(message: Buffer): boolean;
  end(): void;
  on(event: "drain" | "cancelled", listener: () => void): unknown;
  emit(event: "error", reason: { code: status; details: string }): unknown;
}

interface Subscriber {
  readonly stream: PolicyStream;
  /** Publication it has. */
  readonly have: number;
}

/**
 * Sends policies to whoever waits for a newer one. A subscriber gets one policy, the newest when its turn
 * comes, as a whole: what is replaced before that is never sent, and what was begun is completed, so that
 * a slow link gets a policy now and then rather than never.
 */
export class PolicyFeed {
  readonly #source: PolicySource;
  readonly #recorder: MetricsRecorder;
  readonly #waiting = new Set<Subscriber>();
  readonly #due = new Fifo<Subscriber>();
  #sending = 0;

  constructor(source: PolicySource, recorder: MetricsRecorder) {
    this.#source = source;
    this.#recorder = recorder;
  }

  /** Whether somebody waits for the next publication. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Calls that wait or are being answered. */
  get size(): number {
    return this.#waiting.size + this.#due.length + this.#sending;
  }

  subscribe(stream: PolicyStream, have: number): void {
    // A number from before this learner's start says nothing.
    const subscriber = { stream, have: have > this.#source.publication ? 0 : have };
    this.#waiting.add(subscriber);
    stream.on("cancelled", () => this.#waiting.delete(subscriber));
    this.poll();
  }

  /** To be called often: looks for a new publication. */
  poll(): void {
    if (this.#waiting.size === 0) return;
    const { publication } = this.#source;
    for (const subscriber of this.#waiting) {
      if (subscriber.have >= publication) continue;
      this.#waiting.delete(subscriber);
      this.#due.push(subscriber);
    }
    this.#startDue();
  }

  /** Turns away everybody who waits. */
  close(details: string): void {
    for (const { stream } of this.#waiting) {
      stream.emit("error", { code: status.UNAVAILABLE, details });
    }
    this.#waiting.clear();
  }

  #startDue(): void {
    for (;;) {
      const policy = this.#due.length > 0 ? this.#source.newest() : undefined;
      if (policy === undefined) return;
      if (policy.totalBytes > LARGE_BYTES && this.#sending >= LARGE_AT_A_TIME) return;
      const stream = this.#due.shift()?.stream;
      if (stream && !stream.cancelled) this.#send(stream, policy.messages);
    }
  }

  #send(stream: PolicyStream, messages: readonly Buffer[]): void {
    let next = 0;
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(stalled);
      this.#sending--;
      this.#startDue();
    };
    const stalled = setTimeout(() => {
      const details = `nothing of the policy was taken for ${STALL_MS / 1000} s`;
      stream.emit("error", { code: status.DEADLINE_EXCEEDED, details });
      over();
    }, STALL_MS);
    const more = (): void => {
      if (isOver) return;
      stalled.refresh();
      for (let message = messages[next]; message !== undefined; message = messages[next]) {
        next++;
        this.#recorder.inc("troupe_policy_sent_bytes_total", message.length);
        if (!stream.write(message)) return;
      }
      this.#recorder.inc("troupe_policy_sent_total");
      stream.end();
      over();
    };
    this.#sending++;
    stream.on("drain", more);
    stream.on("cancelled", over);
    more();
  }
}
