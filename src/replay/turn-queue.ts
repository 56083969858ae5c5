import type { Unroll, UnrollFrame } from "../protocol.ts";

/** One actor's whole turn: T steps of each of its environments, with one policy. */
export interface Turn {
  readonly actor: number;
  /** In the order they were sent; copies. */
  readonly frames: readonly UnrollFrame[];
  readonly steps: number;
  /** Of the parameters that chose the actions. */
  readonly policyVersion: number;
}

interface OpenTurn {
  incarnation: number;
  frames: UnrollFrame[];
}

/**
 * What actors have sent and nobody has learned from yet: first in, first out, each unroll once, and no more
 * than `capacityBytes` of them. Unrolls become a turn when its last frame is here.
 */
export class TurnQueue {
  readonly #capacityBytes: number;
  readonly #open = new Map<number, OpenTurn>();
  #ready: Turn[] = [];
  #bytes = 0;
  #abandonedSteps = 0;

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  /** Copies a frame in, or returns false when there is no room. */
  push(frame: UnrollFrame): boolean {
    if (this.#bytes > 0 && this.#bytes + unrollBytes(frame.unroll) > this.#capacityBytes) {
      return false;
    }
    const { actor } = frame.unroll;
    const open = this.#openTurn(actor, frame.incarnation);
    open.frames.push(copyOf(frame));
    this.#bytes += unrollBytes(frame.unroll);
    if (frame.endsTurn) this.#close(actor, open.frames);
    return true;
  }

  /** Whole turns, in the order they became so. */
  get ready(): readonly Turn[] {
    return this.#ready;
  }

  /** Actors of which there is a turn, or the beginning of one. */
  get actors(): number {
    return new Set([...this.#open.keys(), ...this.#ready.map(({ actor }) => actor)]).size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes turns out. */
  remove(turns: readonly Turn[]): void {
    const gone = new Set(turns);
    this.#ready = this.#ready.filter((turn) => !gone.has(turn));
    for (const { frames } of turns) this.#bytes -= bytesOf(frames);
  }

  /** Drops turns that were begun and will not be finished soon. */
  abandonOpen(): void {
    for (const { frames } of this.#open.values()) this.#abandon(frames);
    this.#open.clear();
  }

  /** Steps of turns that were not finished, since the last time this was asked. */
  takeAbandonedSteps(): number {
    const steps = this.#abandonedSteps;
    this.#abandonedSteps = 0;
    return steps;
  }

  /** An actor that was started anew begins its turn anew. */
  #openTurn(actor: number, incarnation: number): OpenTurn {
    const known = this.#open.get(actor);
    if (known?.incarnation === incarnation) return known;
    if (known) this.#abandon(known.frames);
    const open = { incarnation, frames: [] };
    this.#open.set(actor, open);
    return open;
  }

  #close(actor: number, frames: readonly UnrollFrame[]): void {
    this.#open.delete(actor);
    const policyVersion = frames[0]?.unroll.policyVersions[0] ?? -1;
    this.#ready.push({ actor, frames, steps: stepsOf(frames), policyVersion });
  }

  #abandon(frames: readonly UnrollFrame[]): void {
    this.#abandonedSteps += stepsOf(frames);
    this.#bytes -= bytesOf(frames);
  }
}

function stepsOf(frames: readonly UnrollFrame[]): number {
  return frames.reduce((sum, { unroll }) => sum + unroll.length, 0);
}

function bytesOf(frames: readonly UnrollFrame[]): number {
  return frames.reduce((sum, { unroll }) => sum + unrollBytes(unroll), 0);
}

function columnsOf({ extras = {}, ...unroll }: Unroll): ArrayBufferView[] {
  const values = [...Object.values(unroll), ...Object.values(extras)] as unknown[];
  return values.filter((value) => ArrayBuffer.isView(value));
}

function unrollBytes(unroll: Unroll): number {
  return columnsOf(unroll).reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function copyOf(frame: UnrollFrame): UnrollFrame {
  const { unroll, snapshot } = frame;
  const { extras = {} } = unroll;
  return {
    ...frame,
    snapshot: snapshot.slice(),
    unroll: {
      ...unroll,
      observations: unroll.observations.slice(),
      actions: unroll.actions.slice(),
      rewards: unroll.rewards.slice(),
      terminated: unroll.terminated.slice(),
      truncated: unroll.truncated.slice(),
      policyVersions: unroll.policyVersions.slice(),
      extras: Object.fromEntries(
        Object.entries(extras).map(([name, column]) => [name, column.slice()]),
      ),
    },
  };
}
