import { ActorMessage } from "../generated/troupe/v1/actor.ts";
import type { SentFrame } from "./outbox.ts";

/** Field numbers and wire types of actor.proto, as they are written before each field. */
const ACTOR_MESSAGE_FRAME = 0x12;
const FRAME_SEQUENCE = 0x08;
const FRAME_CHECKSUM = 0x15;
const FRAME_PAYLOAD = 0x1a;

/** Any message as bytes. */
export function encodeMessage(message: NonNullable<ActorMessage["message"]>): Buffer {
  const bytes = ActorMessage.encode({ message }).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * An unroll as the bytes of an `ActorMessage`: what the generated code would write, copying the payload
 * once instead of four times.
 */
export function encodeFrame({ sequence, checksum, payload }: SentFrame): Buffer {
  // Proto3 leaves a field out that is zero.
  const numbers =
    (sequence === 0 ? 0 : 1 + varintLength(sequence)) +
    (checksum === 0 ? 0 : 5) +
    (1 + varintLength(payload.length));
  const body = numbers + payload.length;
  const message = Buffer.allocUnsafe(1 + varintLength(body) + body);
  let at = writeVarint(message, writeByte(message, 0, ACTOR_MESSAGE_FRAME), body);
  if (sequence !== 0) at = writeVarint(message, writeByte(message, at, FRAME_SEQUENCE), sequence);
  if (checksum !== 0) at = message.writeUInt32LE(checksum, writeByte(message, at, FRAME_CHECKSUM));
  at = writeVarint(message, writeByte(message, at, FRAME_PAYLOAD), payload.length);
  message.set(payload, at);
  return message;
}

/** Bytes of a whole number in protobuf's base-128 form. */
function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

/** @returns The offset after it. */
function writeVarint(into: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  // Sequence numbers may pass 2^32, where JavaScript's shifts end.
  for (; rest >= 128; rest = Math.floor(rest / 128)) into[at++] = (rest % 128) | 128;
  into[at] = rest;
  return at + 1;
}

function writeByte(into: Buffer, offset: number, value: number): number {
  into[offset] = value;
  return offset + 1;
}
