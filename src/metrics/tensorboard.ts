import { hostname } from "node:os";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { crc32c } from "@node-rs/crc32";
import { AppendFile } from "./append-file.ts";
import type { LogRecord, LogSink } from "./log-record.ts";

// Field numbers of tensorflow.Event, Summary and SessionLog.
// Source: tensorboard/compat/proto/event.proto and summary.proto.
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 };
const SUMMARY = { value: 1 };
const VALUE = { tag: 1, simpleValue: 2 };
const SESSION_LOG = { status: 1 };
const SESSION_START = 1;

/**
 * A TensorBoard event file of scalars.
 *
 * Each record is: length (uint64), masked CRC-32C of the length, data, masked CRC-32C of the data; all
 * little-endian. The data is a `tensorflow.Event`.
 * Source: tensorboard/compat/tensorflow_stub/pywrap_tensorflow.py.
 */
export class TensorBoardWriter implements LogSink {
  readonly #file: AppendFile;

  /**
   * Opens a new file; TensorBoard joins those of one folder.
   * @param resumeStep When given, what earlier files have after this step is to be forgotten.
   */
  constructor(folder: string, time: number, resumeStep?: number) {
    const name = `events.out.tfevents.${Math.floor(time)}.${hostname()}.${process.pid}.0`;
    this.#file = new AppendFile(join(folder, name));
    this.#append(
      event(time, 0).tag(EVENT.fileVersion, WireType.LengthDelimited).string("brain.Event:2"),
    );
    if (resumeStep === undefined) return;
    const start = new BinaryWriter().tag(SESSION_LOG.status, WireType.Varint).int32(SESSION_START);
    // TensorBoard purges from the step of a session's start on, that step included.
    this.#append(
      event(time, resumeStep + 1)
        .tag(EVENT.sessionLog, WireType.LengthDelimited)
        .bytes(start.finish()),
    );
  }

  write({ step, time, values }: LogRecord): void {
    const summary = new BinaryWriter();
    for (const [key, value] of values) {
      const scalar = new BinaryWriter()
        .tag(VALUE.tag, WireType.LengthDelimited)
        .string(key)
        .tag(VALUE.simpleValue, WireType.Bit32)
        .float(toFloat32(value));
      summary.tag(SUMMARY.value, WireType.LengthDelimited).bytes(scalar.finish());
    }
    this.#append(
      event(time, step).tag(EVENT.summary, WireType.LengthDelimited).bytes(summary.finish()),
    );
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #append(message: BinaryWriter): void {
    this.#file.append(frameRecord(message.finish()));
  }
}

/** The writer refuses what overflows a float32; a curve may show it as infinite. */
function toFloat32(value: number): number {
  return Math.fround(value);
}

function event(time: number, step: number): BinaryWriter {
  return new BinaryWriter()
    .tag(EVENT.wallTime, WireType.Bit64)
    .double(time)
    .tag(EVENT.step, WireType.Varint)
    .int64(step);
}

/** Wraps the bytes of one event as a record. */
function frameRecord(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(8 + 4 + data.length + 4);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return record;
}

/** CRC-32C, rotated and offset so that a checksum of data that holds checksums stays a good one. */
export function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
