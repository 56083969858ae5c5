import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../../errors.ts";
import type { Batch, BatchQueue } from "./batch-queue.ts";
import type { SegmentChain } from "./segment-chain.ts";

export interface LogWriterOptions {
  readonly quotaBytes: number;
  readonly syncIntervalMs: number;
  checkTerm(): void;
  onDurable(position: number): void;
  onTrouble(message: string | null): void;
  onWarning(message: string): void;
  onCommit(commit: LogCommit): void;
}

/** A batch that is on the disk. */
export interface LogCommit {
  readonly sizeBytes: number;
  /** Writing and flushing it. */
  readonly seconds: number;
}

interface SealWaiter {
  /** What was appended before has to be on the disk first. */
  readonly position: number;
  resolve(): void;
  reject(reason: unknown): void;
}

/** How long to wait before the disk is tried again, at first and at most. */
const [FIRST_DELAY_MS, LONGEST_DELAY_MS] = [50, 2000] as const;

/** Takes batches from the queue to the disk, one after another, until it is closed or fails for good. */
export class LogWriter {
  /** Rejects when the run folder was taken over; resolves once all is written after `close`. */
  readonly finished: Promise<void>;
  readonly #queue: BatchQueue;
  readonly #chain: SegmentChain;
  readonly #options: LogWriterOptions;
  readonly #closing = new AbortController();
  #seals: SealWaiter[] = [];
  #durable = 0;
  #trouble: string | null = null;
  #failure: { readonly reason: unknown } | undefined;
  #collects = true;
  #awake: () => void = () => undefined;
  #lastSync = -Infinity;

  constructor(queue: BatchQueue, chain: SegmentChain, options: LogWriterOptions) {
    this.#queue = queue;
    this.#chain = chain;
    this.#options = options;
    this.finished = this.#run();
    this.finished.catch(() => undefined);
  }

  /** Records below this position are on the disk. */
  get durable(): number {
    return this.#durable;
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  /** @throws the reason why nothing is written any more. */
  assertOpen(): void {
    if (this.#failure) throw this.#failure.reason;
    if (this.#closing.signal.aborted) throw new RangeError("the frame log is closed");
  }

  /** There is something in the queue. */
  wake(): void {
    this.#awake();
  }

  /** Ends the segment behind what is in the queue; resolves when it is sealed. */
  rotate(): Promise<void> {
    this.#queue.seal();
    return new Promise((resolve, reject) => {
      this.#seals.push({ position: this.#queue.position, resolve, reject });
      this.#awake();
    });
  }

  /** Looks, in time, whether old segments can go. */
  collect(): void {
    this.#collects = true;
    this.#awake();
  }

  /** Writes what is in the queue, unless that fails, and ends. */
  async close(): Promise<void> {
    if (!this.#failure && !this.#closing.signal.aborted) this.#queue.seal();
    this.#closing.abort();
    this.#awake();
    await this.finished.catch(() => undefined);
  }

  async #run(): Promise<void> {
    try {
      while (await this.#hasWork()) {
        await this.#pace();
        const batch = this.#queue.take();
        if (batch) await this.#write(batch);
        if (this.#collects) await this.#collect();
      }
    } catch (thrown) {
      this.#failure = { reason: thrown };
      // Closed while the disk failed: what is not on it was never reported so.
      if (!(thrown instanceof GaveUp)) throw thrown;
    } finally {
      await this.#chain.close();
      const reason = this.#failure?.reason;
      for (const { reject } of this.#seals.splice(0)) reject(reason);
    }
  }

  /** Waits for some; false once there is none and none will come. */
  async #hasWork(): Promise<boolean> {
    while (this.#queue.isEmpty && !this.#collects) {
      if (this.#closing.signal.aborted) return false;
      await new Promise<void>((resolve) => {
        this.#awake = resolve;
      });
    }
    return true;
  }

  async #pace(): Promise<void> {
    const wait = this.#lastSync + this.#options.syncIntervalMs - performance.now();
    if (wait > 0) await this.#sleep(wait);
    this.#lastSync = performance.now();
  }

  async #write(batch: Batch): Promise<void> {
    if (batch.records.length > 0) {
      const { sizeBytes } = batch.buffer;
      const seconds = await this.#untilItWorks(() => this.#chain.commit(batch));
      this.#durable = batch.endPosition;
      this.#queue.release(batch);
      this.#options.onDurable(this.#durable);
      this.#options.onCommit({ sizeBytes, seconds });
    }
    if (!batch.seals) return;
    await this.#untilItWorks(() => this.#chain.seal());
    this.#collects = true;
    const done = this.#seals.filter(({ position }) => position <= batch.endPosition);
    this.#seals = this.#seals.filter((waiter) => !done.includes(waiter));
    for (const { resolve } of done) resolve();
  }

  /** Returns how long the attempt took that worked, in seconds. */
  async #untilItWorks(attempt: () => Promise<void>): Promise<number> {
    for (let delay: number = FIRST_DELAY_MS; ; delay = Math.min(2 * delay, LONGEST_DELAY_MS)) {
      const start = performance.now();
      try {
        await attempt();
        this.#setTrouble(null);
        return (performance.now() - start) / 1000;
      } catch (thrown) {
        const message = diskTrouble(thrown);
        if (message === undefined) throw thrown;
        this.#setTrouble(message);
        if (this.#closing.signal.aborted) throw new GaveUp("DISK_FULL", message, { cause: thrown });
        await this.#sleep(delay);
      }
    }
  }

  /** Old segments that stay for now are nobody's trouble. */
  async #collect(): Promise<void> {
    this.#collects = false;
    this.#options.checkTerm();
    try {
      const warning = await this.#chain.sealed.collect(this.#options.quotaBytes);
      if (warning !== undefined) this.#options.onWarning(warning);
    } catch (thrown) {
      const message = diskTrouble(thrown);
      if (message === undefined) throw thrown;
      this.#options.onWarning(`old segments of the frame log cannot be removed: ${message}`);
    }
  }

  #setTrouble(message: string | null): void {
    if (message === this.#trouble) return;
    this.#trouble = message;
    this.#options.onTrouble(message);
  }

  async #sleep(ms: number): Promise<void> {
    // Closing ends the wait, not the work.
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }
}

/** The writer was closed while the disk failed. */
class GaveUp extends RunError {}

/** What the file system said; undefined when it was something else that failed. */
function diskTrouble(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error && "syscall" in thrown)) return undefined;
  return `the frame log cannot be written: ${thrown.message}`;
}
