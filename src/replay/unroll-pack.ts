import { Packr } from "msgpackr";
import {
  newRows,
  type Observations,
  observationRows,
  type RowShape,
  type Unroll,
  type UnrollShape,
} from "../protocol.ts";
import { type RowRing, TERMINATED, TRUNCATED } from "./ring.ts";
import { copyNumbers, type RowTable } from "./row-table.ts";

/**
 * Unrolls packed back to back, n of them with S steps in all: how they are kept on disk. As bytes it is a
 * msgpack map from these names to little-endian columns.
 */
export interface UnrollPack {
  /** [n] */
  readonly actors: Int32Array;
  /** [n] */
  readonly envs: Int32Array;
  /** [n]: steps of each unroll. */
  readonly lengths: Int32Array;
  /** [n]: bits TERMINATED and TRUNCATED of each unroll's last step. */
  readonly ends: Uint8Array;
  /** [S + n, observation size]; of stacks of k frames, as bytes, [S + k n, frame size]. */
  readonly observations: Observations;
  /** [S, action size] */
  readonly actions: Float32Array;
  /** [S] */
  readonly rewards: Float32Array;
  /** [S] */
  readonly policyVersions: Int32Array;
}

/** A run of blocks in a ring, by number and first row. */
export interface BlockRange {
  readonly firstBlock: number;
  readonly firstRow: number;
  readonly endBlock: number;
}

/** Copies blocks out of the ring. */
export function packBlocks(ring: RowRing, range: BlockRange): UnrollPack {
  const { shape } = ring;
  const count = range.endBlock - range.firstBlock;
  const slots = new Uint32Array(count);
  const lengths = new Int32Array(count);
  let row = range.firstRow;
  let steps = 0;
  for (let i = 0; i < count; i++) {
    const length = ring.lengthAt(row);
    slots[i] = ring.slotOf(row);
    lengths[i] = length;
    steps += length;
    row = ring.rowAfter(row, length);
  }
  const origins = ring.origins(range.firstBlock, range.endBlock);
  const pack = {
    actors: origins.filter((_, i) => i % 2 === 0),
    envs: origins.filter((_, i) => i % 2 === 1),
    lengths,
    ends: Uint8Array.from(lengths, (length, i) => {
      return ring.flags[slots[i]! + length - 1]! & (TERMINATED | TRUNCATED);
    }),
    observations: newRows(shape, packedRows(shape, steps, count)),
    actions: new Float32Array(steps * shape.actionSize),
    rewards: new Float32Array(steps),
    policyVersions: new Int32Array(steps),
  };
  fillColumns(pack, ring.table, slots);
  fillObservations(pack, ring, slots);
  return pack;
}

/** Rows of observations of `count` unrolls with `steps` steps in all. */
function packedRows(shape: RowShape, steps: number, count: number): number {
  return steps + count * observationRows(shape, 0);
}

/** @param slots [n]: where each block begins. */
function fillColumns(pack: UnrollPack, table: RowTable, slots: Uint32Array): void {
  const { actions, rewards, policyVersions } = pack;
  const { floats, words, stride, actionSize } = table;
  let step = 0;
  for (let i = 0; i < slots.length; i++) {
    let record = slots[i]! * stride;
    const end = step + pack.lengths[i]!;
    for (; step < end; step++, record += stride) {
      const action = { to: actions, at: step * actionSize, count: actionSize };
      copyNumbers(floats, record + table.actionAt, action);
      rewards[step] = floats[record + table.rewardAt]!;
      policyVersions[step] = words[record + table.versionAt]!;
    }
  }
}

function fillObservations(
  { observations, lengths }: UnrollPack,
  { table, shape }: RowRing,
  slots: Uint32Array,
): void {
  const { floats, stride, frames } = table;
  const count = shape.observationSize;
  let at = 0;
  for (let i = 0; i < slots.length; i++) {
    const rows = observationRows(shape, lengths[i]!);
    if (observations instanceof Uint8Array) {
      frames?.copy({ row: slots[i]!, count: rows }, observations, at * count);
      at += rows;
      continue;
    }
    for (let row = slots[i]!, end = at + rows; at < end; row++, at++) {
      copyNumbers(floats, row * stride, { to: observations, at: at * count, count });
    }
  }
}

/**
 * The unrolls of a pack, in order; their arrays view the pack's.
 * @param shape Left out: observations are numbers.
 */
export function* unpack(pack: UnrollPack, shape: RowShape = shapeOf(pack)): Generator<Unroll> {
  const { observationSize } = shape;
  const actionSize = pack.actions.length / pack.rewards.length;
  let [step, row] = [0, 0];
  for (let i = 0; i < pack.lengths.length; i++) {
    const length = pack.lengths[i]!;
    const end = step + length;
    const endRow = row + observationRows(shape, length);
    const terminated = new Uint8Array(length);
    const truncated = new Uint8Array(length);
    terminated[length - 1] = (pack.ends[i]! & TERMINATED) === 0 ? 0 : 1;
    truncated[length - 1] = (pack.ends[i]! & TRUNCATED) === 0 ? 0 : 1;
    yield {
      actor: pack.actors[i]!,
      env: pack.envs[i]!,
      length,
      observations: pack.observations.subarray(row * observationSize, endRow * observationSize),
      actions: pack.actions.subarray(step * actionSize, end * actionSize),
      rewards: pack.rewards.subarray(step, end),
      terminated,
      truncated,
      policyVersions: pack.policyVersions.subarray(step, end),
    };
    step = end;
    row = endRow;
  }
}

function shapeOf({ observations, rewards, lengths }: UnrollPack): RowShape {
  return { observationSize: observations.length / (rewards.length + lengths.length) };
}

const packr = new Packr({ useRecords: false });

export function encodePack(pack: UnrollPack): Uint8Array {
  const columns = Object.entries(pack).map(([name, column]: [string, ArrayBufferView]) => {
    return [name, new Uint8Array(column.buffer, column.byteOffset, column.byteLength)];
  });
  return packr.pack(Object.fromEntries(columns));
}

/**
 * @returns the pack, or undefined when the bytes are none, or not one of this shape.
 */
export function decodePack(payload: Uint8Array, shape: UnrollShape): UnrollPack | undefined {
  const columns = unpacked(payload);
  if (typeof columns !== "object" || columns === null) return undefined;
  const bytes = new Map(Object.entries(columns));
  const pack = {
    actors: int32Column(bytes.get("actors")),
    envs: int32Column(bytes.get("envs")),
    lengths: int32Column(bytes.get("lengths")),
    ends: Uint8Array.from(bytesOf(bytes.get("ends"))),
    observations: observationColumn(bytes.get("observations"), shape),
    actions: float32Column(bytes.get("actions")),
    rewards: float32Column(bytes.get("rewards")),
    policyVersions: int32Column(bytes.get("policyVersions")),
  };
  return fits(pack, shape) ? pack : undefined;
}

/** Undefined for what is no msgpack. */
function unpacked(payload: Uint8Array): unknown {
  try {
    return packr.unpack(payload);
  } catch {
    return undefined;
  }
}

function fits(pack: UnrollPack, shape: UnrollShape): boolean {
  const count = pack.lengths.length;
  const steps = pack.lengths.reduce((sum, length) => sum + length, 0);
  return (
    pack.lengths.every((length) => length >= 1) &&
    pack.actors.length === count &&
    pack.envs.length === count &&
    pack.ends.length === count &&
    pack.observations.length === packedRows(shape, steps, count) * shape.observationSize &&
    pack.actions.length === steps * shape.actionSize &&
    pack.rewards.length === steps &&
    pack.policyVersions.length === steps
  );
}

function bytesOf(column: unknown): Uint8Array {
  return column instanceof Uint8Array ? column : new Uint8Array(0);
}

/** A copy, since a column may start at any byte of its frame. */
function alignedBytes(column: unknown): ArrayBuffer {
  const bytes = bytesOf(column);
  const aligned = new ArrayBuffer(bytes.length - (bytes.length % 4));
  new Uint8Array(aligned).set(bytes.subarray(0, aligned.byteLength));
  return aligned;
}

function observationColumn(column: unknown, { frameStack }: UnrollShape): Observations {
  return frameStack === undefined ? float32Column(column) : Uint8Array.from(bytesOf(column));
}

function float32Column(column: unknown): Float32Array {
  return new Float32Array(alignedBytes(column));
}

function int32Column(column: unknown): Int32Array {
  return new Int32Array(alignedBytes(column));
}
