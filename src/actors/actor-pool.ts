import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { type Remote, releaseProxy, wrap } from "comlink";
import { Piscina } from "piscina";
import { BlackBox, failureIn } from "../envs/failure/black-box.ts";
import { placeOfFailure } from "../envs/failure/env-failure.ts";
import { RunError } from "../errors.ts";
import { comlinkPort } from "../threads/comlink-port.ts";
import { fromThreadResult, type ThreadResult } from "../threads/thread-result.ts";
import type { ActorControl, ActorEvent, ActorTask } from "./actor-task.ts";
import { Heartbeat, hungMessage, Watchdog } from "./heartbeat.ts";

/** What the pool adds to a task by itself. */
type OwnedByPool =
  | "slot"
  | "mailbox"
  | "incarnation"
  | "heartbeat"
  | "blackBoxes"
  | "control"
  | "events"
  | "snapshot";

/** Who acts where. */
export interface ActorSeat {
  readonly slot: number;
  /** Numbers the processes that have held the slot; with the slot it seeds the actor's streams. */
  readonly incarnation: number;
  /** Which of the memory's mailboxes is this actor's. */
  readonly mailbox: number;
  /** An actor's state to continue from in its first life. */
  readonly snapshot?: Uint8Array;
}

export interface ActorPoolOptions {
  /** Actors there can be. */
  readonly capacity: number;
  readonly task: Omit<ActorTask, OwnedByPool>;
  /** A step that takes longer is a hang: the thread is ended and replaced. */
  readonly stepTimeoutMs: number;
  readonly restart: RestartPolicy;
  readonly onEvent: (seat: ActorSeat, event: ActorEvent) => void;
  readonly onCrash: (crash: ActorCrash) => void;
}

export interface RestartPolicy {
  /** First pause before a restart; doubles with each crash within the window. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** This many crashes of one slot within the window open the breaker. */
  readonly maxCrashes: number;
  readonly windowMs: number;
}

export interface ActorCrash {
  readonly slot: number;
  readonly error: RunError;
  /** Pause before the restart, or undefined when the slot is given up. */
  readonly restartInMs: number | undefined;
}

interface LiveActor {
  readonly control: Remote<ActorControl>;
  readonly watchdog: Watchdog;
  readonly abort: AbortController;
  readonly blackBoxes: readonly BlackBox[];
  readonly ports: readonly MessagePort[];
}

/** How long a stopping actor may take for its step before its thread is ended; nothing is lost by it. */
const STOP_GRACE_MS = 2_000;
const WATCHDOG_INTERVAL_MS = 250;
/** Lives of a seat's actor; those of the next incarnation must not replay its episodes. */
const LIVES_PER_INCARNATION = 10_000;

/**
 * The actors of this process: one thread and one long piscina task each.
 *
 * A crashed or hung actor is replaced after a growing pause; a slot that keeps crashing is given up, and
 * when the last one is, `finished` rejects: a run without actors would wait for ever.
 */
export class ActorPool implements AsyncDisposable {
  readonly #options: ActorPoolOptions;
  readonly #threads: Piscina;
  readonly #live = new Set<LiveActor>();
  readonly #seats: Promise<void>[] = [];
  readonly #stopping = new AbortController();
  readonly #watchdog: NodeJS.Timeout;
  #givenUp = 0;
  /** Settles when the pool has been stopped; rejects ACTOR_CRASHED when every actor was given up. */
  readonly finished: Promise<void>;
  #finish: () => void = () => undefined;
  #fail: (error: RunError) => void = () => undefined;

  constructor(options: ActorPoolOptions) {
    this.#options = options;
    this.#threads = new Piscina({
      filename: new URL("./actor-worker.js", import.meta.url).href,
      name: "runActor",
      // With any more, an actor that is ended would be replaced, and that thread ended while it loads.
      minThreads: 0,
      maxThreads: options.capacity,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      atomics: "disabled",
    });
    // A thread that throws between two tasks, such as one that could not load; its task has failed, and is
    // heard of there. Without a listener the event would end the process.
    this.#threads.on("error", () => undefined);
    this.#watchdog = setInterval(() => this.#endHung(), WATCHDOG_INTERVAL_MS);
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    this.finished.catch(() => undefined);
  }

  /** Puts an actor to work, for as long as the pool is not stopped. */
  add(seat: ActorSeat): void {
    if (this.#seats.length >= this.#options.capacity) {
      throw new RangeError(`no room for actor ${seat.slot}: ${this.#options.capacity} at most`);
    }
    this.#seats.push(this.#keepAlive(seat));
  }

  /** Actors running now. */
  get alive(): number {
    return this.#live.size;
  }

  /** Milliseconds since the last sign of life of the actor that has been silent the longest. */
  get longestSilenceMs(): number {
    const heard = [...this.#live].map(({ watchdog }) => watchdog.heardAt);
    return heard.length === 0 ? 0 : performance.now() - Math.min(...heard);
  }

  /** Asks every actor to stop and waits; whoever does not within the grace time is ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const actor of this.#live) {
      // Never settles if the thread is dead or stuck, hence not awaited: the seat's own task is.
      actor.control.stop().catch(() => undefined);
    }
    const stopped = Promise.allSettled(this.#seats);
    await Promise.race([stopped, sleep(STOP_GRACE_MS, undefined, { ref: false })]);
    for (const actor of this.#live) actor.abort.abort();
    await stopped;
    this.#finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watchdog);
    await this.stop();
    await this.#threads.destroy();
  }

  async #keepAlive(seat: ActorSeat): Promise<void> {
    const { slot } = seat;
    const crashes: number[] = [];
    for (let life = 0; !this.#stopping.signal.aborted; life++) {
      try {
        await this.#runOnce(seat, life);
        return;
      } catch (thrown) {
        if (this.#stopping.signal.aborted) return;
        const restartInMs = this.#pauseAfter(crashes);
        const error = this.#describe(slot, thrown);
        this.#options.onCrash({ slot, error, restartInMs });
        if (restartInMs === undefined) return this.#giveUp(error);
        await sleep(restartInMs, undefined, { signal: this.#stopping.signal }).catch(
          () => undefined,
        );
      }
    }
  }

  async #runOnce(seat: ActorSeat, life: number): Promise<void> {
    const control = new MessageChannel();
    const events = new MessageChannel();
    const abort = new AbortController();
    const heartbeat = new Heartbeat(Heartbeat.allocate());
    events.port1.on("message", (event: ActorEvent) => this.#options.onEvent(seat, event));
    const heard = once(events.port1, "close");
    const blackBoxes = Array.from(
      { length: this.#options.task.envsPerActor },
      () => new BlackBox(BlackBox.allocate()),
    );
    const actor: LiveActor = {
      control: wrap<ActorControl>(comlinkPort(control.port1)),
      watchdog: new Watchdog(heartbeat, this.#options.stepTimeoutMs),
      abort,
      blackBoxes,
      ports: [control.port1, events.port1],
    };
    const snapshot = life === 0 ? seat.snapshot : undefined;
    const task: ActorTask = {
      ...this.#options.task,
      slot: seat.slot,
      mailbox: seat.mailbox,
      incarnation: seat.incarnation * LIVES_PER_INCARNATION + life,
      heartbeat: heartbeat.memory,
      blackBoxes: blackBoxes.map(({ memory }) => memory),
      control: control.port2,
      events: events.port2,
      ...(snapshot ? { snapshot } : {}),
    };
    actor.watchdog.isHung(performance.now());
    this.#live.add(actor);
    try {
      const result: ThreadResult<void> = await this.#threads.run(task, {
        transferList: [control.port2, events.port2],
        signal: abort.signal,
      });
      // The result comes by another port than the last events, and may be first.
      await heard;
      fromThreadResult(result);
    } catch (thrown) {
      // A watchdog's reason says more than "the task has been aborted".
      const error: unknown =
        abort.signal.aborted && abort.signal.reason instanceof RunError
          ? abort.signal.reason
          : located(thrown, actor);
      this.#tellFailure(seat, actor, error);
      throw error;
    } finally {
      this.#live.delete(actor);
      actor.control[releaseProxy]();
      for (const port of actor.ports) port.close();
    }
  }

  /** What an environment was being asked for when its thread ended. */
  #tellFailure(seat: ActorSeat, { blackBoxes }: LiveActor, error: unknown): void {
    const { id, options } = this.#options.task.env;
    const { message } = RunError.from(error);
    const failure = failureIn(blackBoxes, { message, env: { id, options } });
    if (failure) this.#options.onEvent(seat, { type: "env-failure", failure });
  }

  /** What happened, where: a task that throws need not say its name. */
  #describe(slot: number, thrown: unknown): RunError {
    const { id } = this.#options.task.env;
    const { message } = RunError.from(thrown);
    const where = message.includes(id) ? `actor ${slot}` : `actor ${slot}: ${id}`;
    return new RunError("ACTOR_CRASHED", `${where}: ${message}`, { cause: thrown });
  }

  /** Records a crash; returns the pause before the next life, or undefined when there were too many. */
  #pauseAfter(crashes: number[]): number | undefined {
    const { backoffMs, maxBackoffMs, maxCrashes, windowMs } = this.#options.restart;
    const now = performance.now();
    crashes.push(now);
    const recent = crashes.filter((time) => time > now - windowMs).length;
    if (recent >= maxCrashes) return undefined;
    return Math.min(backoffMs * 2 ** (recent - 1), maxBackoffMs);
  }

  #giveUp(error: RunError): void {
    this.#givenUp += 1;
    if (this.#givenUp < this.#seats.length) return;
    const message = `every actor keeps crashing; the last one: ${error.message}`;
    this.#fail(new RunError("ACTOR_CRASHED", message));
  }

  /** Ends the threads whose environment has not come back in time. */
  #endHung(): void {
    const { stepTimeoutMs, task } = this.#options;
    const now = performance.now();
    for (const { watchdog, abort, blackBoxes } of this.#live) {
      if (!watchdog.isHung(now)) continue;
      const message = hungMessage(task.env.id, stepTimeoutMs);
      const where = blackBoxes.map(whereNow).find((place) => place !== undefined) ?? "making it";
      abort.abort(new RunError("ENV_FAILED", `${message}: ${where}`));
    }
  }
}

/** With the place, when the thread has ended while an environment's code ran: `worker exited …: step 9 (seed …)`. */
function located(thrown: unknown, { blackBoxes }: LiveActor): unknown {
  const where = blackBoxes.map(whereNow).find((place) => place !== undefined);
  if (where === undefined) return thrown;
  const { code, message } = RunError.from(thrown);
  return new RunError(code, `${message}: ${where}`, { cause: thrown });
}

/** What an environment is being asked for, in words. */
function whereNow(blackBox: BlackBox): string | undefined {
  const { during } = blackBox;
  return during && placeOfFailure({ during, ...blackBox.read() });
}
