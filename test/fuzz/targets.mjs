import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32c } from "@node-rs/crc32";
import { RunError } from "../../dist/errors.js";
import { RandomStream } from "../../dist/math/random.js";
import { ActorTable } from "../../dist/replay/log/actor-table.js";
import { ChunkPool, FrameBuffer } from "../../dist/replay/log/frame-buffer.js";
import { readOpenLog } from "../../dist/replay/log/read-open-log.js";
import { encodeRecord, encodeSnapshot } from "../../dist/replay/log/record-codec.js";
import { readOpenSegment, readSegment } from "../../dist/replay/segment-reader.js";
import { SegmentWriter } from "../../dist/replay/segment-writer.js";
import { refuseUnroll } from "../../dist/replay/unroll-check.js";
import { encodeUnroll, UnrollDecoder } from "../../dist/replay/unroll-codec.js";
import { decodePack, encodePack, unpack } from "../../dist/replay/unroll-pack.js";
import {
  ActorMessage,
  GetPolicyResponse,
  GetRunResponse,
  LearnerMessage,
} from "../../dist/transport/generated/troupe/v1/actor.js";
import { PolicyTransfer } from "../../dist/transport/uplink/policy-transfer.js";
import { mutated } from "./mutate.mjs";

/** HalfCheetah's. */
const shape = { observationSize: 17, actionSize: 6, unrollLength: 64 };
const ring = { ...shape, capacity: 1000 };

function makeUnroll(length, random) {
  const numbers = (count) =>
    Float32Array.from({ length: count }, () => random.uniformBetween(-1, 1));
  return {
    actor: random.integer(8),
    env: random.integer(4),
    length,
    observations: numbers((length + 1) * shape.observationSize),
    actions: numbers(length * shape.actionSize),
    rewards: numbers(length),
    terminated: new Uint8Array(length),
    truncated: new Uint8Array(length),
    policyVersions: new Int32Array(length).fill(7),
  };
}

/** A payload of any length up to the longest. */
function makePayload(random) {
  return encodeUnroll(makeUnroll(1 + random.integer(shape.unrollLength), random), shape);
}

/** What a case found; anything else that is thrown is a bug. */
const REFUSED = "refused";
const TAKEN = "taken";

function payloadTarget() {
  const decoder = new UnrollDecoder(shape);
  return (random) => {
    const { unroll, refusal } = decoder.decode(mutated(makePayload(random), random), 3);
    if (refusal) {
      if (refusal.message.length > 1000) throw new Error("a refusal as long as what it refuses");
      return REFUSED;
    }
    return refuseUnroll(unroll, ring) === null ? TAKEN : REFUSED;
  };
}

const HELLO = {
  protocolVersion: 1,
  runId: "run",
  host: "host-1",
  index: 3,
  instance: Buffer.alloc(16, 7),
  envId: "HalfCheetah-v5",
  shape,
  resume: { slot: 3, incarnation: 2, firstKeptSequence: 77 },
};
const REFUSAL = { sequence: 7, reason: 3, message: "rewards has shape [3]", resend: false };
const EPISODES = [{ episodeReturn: 12.5, episodeLength: 1000, outcome: 2, reason: "" }];

/** Messages of every kind, by the type that reads them. */
const MESSAGES = [
  [ActorMessage, { message: { $case: "hello", hello: HELLO } }],
  [ActorMessage, { message: { $case: "heartbeat", heartbeat: { episodes: EPISODES } } }],
  [ActorMessage, { message: { $case: "goodbye", goodbye: { reason: "done" } } }],
  [
    LearnerMessage,
    { message: { $case: "welcome", welcome: { runId: "run", refused: [REFUSAL] } } },
  ],
  [
    LearnerMessage,
    { message: { $case: "acknowledgement", acknowledgement: { accepted: 9, durable: 8 } } },
  ],
  [LearnerMessage, { message: { $case: "frameRefusal", frameRefusal: REFUSAL } }],
  [LearnerMessage, { message: { $case: "notice", notice: { kind: 1, message: "stopping" } } }],
  [GetRunResponse, { runId: "run", envId: "X", shape, policyProgram: Buffer.alloc(300, 1) }],
  [GetPolicyResponse, { publication: 4, totalBytes: 400, data: Buffer.alloc(400, 2) }],
];

function messageTarget() {
  const encoded = MESSAGES.map(([type, value]) => [
    type,
    type.encode(type.fromPartial(value)).finish(),
  ]);
  return (random) => {
    const [type, bytes] = encoded[random.integer(encoded.length)];
    const original =
      random.uniform() < 0.3
        ? ActorMessage.encode(
            ActorMessage.fromPartial({
              message: {
                $case: "frame",
                frame: { sequence: 5, checksum: 6, payload: makePayload(random) },
              },
            }),
          ).finish()
        : bytes;
    try {
      // Half of the time by the wrong reader.
      const reader = random.uniform() < 0.5 ? type : MESSAGES[random.integer(MESSAGES.length)][0];
      reader.decode(mutated(original, random));
      return TAKEN;
    } catch (thrown) {
      // gRPC makes a status of what a reader throws.
      if (thrown instanceof Error) return REFUSED;
      throw thrown;
    }
  };
}

/** With a right checksum: what a bug may write, though no disk does. */
function frameAround(payload) {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt32LE(crc32c(payload, crc32c(head.subarray(0, 4))), 4);
  return Buffer.concat([head, payload]);
}

/** A sealed segment of one frame. */
function segmentAround(header, payload) {
  const trailer = Buffer.alloc(12);
  trailer.writeUInt32LE(0xffff_ffff, 0);
  trailer.writeUInt32LE(1, 4);
  trailer.writeUInt32LE(crc32c(trailer.subarray(0, 8)), 8);
  return Buffer.concat([header, frameAround(payload), trailer]);
}

function makePack(random) {
  const unrolls = Array.from({ length: 1 + random.integer(4) }, () =>
    makeUnroll(1 + random.integer(16), random),
  );
  const joined = (name) => Buffer.concat(unrolls.map((unroll) => bytesOf(unroll[name])));
  const words = (name) => bytesOf(Int32Array.from(unrolls, (unroll) => unroll[name]));
  return encodePack({
    actors: words("actor"),
    envs: words("env"),
    lengths: words("length"),
    ends: new Uint8Array(unrolls.length),
    observations: joined("observations"),
    actions: joined("actions"),
    rewards: joined("rewards"),
    policyVersions: joined("policyVersions"),
  });
}

function bytesOf({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function segmentTarget() {
  const folder = mkdtempSync(join(tmpdir(), "troupe-fuzz-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "mutated.seg");
  const originals = new Map();
  const original = (random) => {
    const which = random.integer(16);
    if (!originals.has(which)) originals.set(which, makeSegment(folder, random));
    return originals.get(which);
  };
  return (random) => {
    const whole = original(random);
    // Half of them damaged anywhere, half inside a frame whose checksum is right.
    const bytes =
      random.uniform() < 0.5
        ? mutated(whole, random)
        : segmentAround(whole.subarray(0, 16), mutated(makePack(random), random));
    writeFileSync(path, bytes);
    return [readSegment, (file) => readOpenSegment(file).frames].map((read) => {
      try {
        for (const frame of read(path)) readPack(frame);
        return TAKEN;
      } catch (thrown) {
        if (thrown instanceof RunError) return REFUSED;
        throw thrown;
      }
    })[0];
  };
}

function readPack(frame) {
  const pack = decodePack(frame, shape);
  if (pack === undefined) throw new RunError("CHECKPOINT_CORRUPT", "no pack");
  for (const unroll of unpack(pack)) refuseUnroll(unroll, ring);
}

function makeSegment(folder, random) {
  const writer = new SegmentWriter(folder, "original.open");
  for (let n = 1 + random.integer(5); n > 0; n--) writer.append(makePack(random));
  const { name } = writer.seal((sha256) => `${sha256}.seg`);
  const bytes = readFileSync(join(folder, name));
  rmSync(join(folder, name));
  return bytes;
}

const pool = new ChunkPool();

/** Frames of a segment of the log, records of every kind. */
function makeLogRecords(random) {
  const buffer = new FrameBuffer(pool);
  const cursor = {
    ...{ slot: 3, incarnation: 2, host: "host-1", index: 0, instance: "ab".repeat(16), next: 5 },
    refused: [{ sequence: 4, reason: "shape", message: "rewards has shape [3]" }],
  };
  const id = { slot: 3, incarnation: 2 };
  encodeSnapshot(buffer, { ordinal: 7, first: 0, previousEnd: 0, cursors: [cursor] });
  encodeRecord(buffer, { kind: "join", cursor });
  for (let n = 1 + random.integer(4); n > 0; n--) {
    encodeRecord(buffer, { kind: "unroll", ...id, sequence: 9 - n, payload: makePayload(random) });
  }
  encodeRecord(buffer, { kind: "refused", ...id, sequence: 9, reason: "flag", message: "2" });
  encodeRecord(buffer, { kind: "skip", ...id, sequence: 12 });
  encodeRecord(buffer, { kind: "leave", ...id });
  const bytes = Buffer.concat(buffer.parts());
  buffer.clear();
  return bytes;
}

/** Frames of a segment, without its header. */
function framesOf(bytes) {
  const frames = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    frames.push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return frames;
}

function logTarget() {
  const folder = mkdtempSync(join(tmpdir(), "troupe-fuzz-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const header = makeSegment(folder, RandomStream.derive(0, "header")).subarray(0, 16);
  const path = join(folder, "log-000000000000-abcdef01.open");
  return (random) => {
    const records = makeLogRecords(random);
    // Half of them damaged anywhere, half inside a frame whose checksum is right.
    let bytes = Buffer.concat([header, records]);
    if (random.uniform() < 0.5) {
      bytes = mutated(bytes, random);
    } else {
      const frames = framesOf(records);
      const which = random.integer(frames.length);
      const damaged = frames.map((frame, i) => (i === which ? mutated(frame, random) : frame));
      bytes = Buffer.concat([header, ...damaged.map(frameAround)]);
    }
    writeFileSync(path, bytes);
    try {
      const log = readOpenLog(path);
      if (log === undefined) return REFUSED;
      const table = ActorTable.restore({ maxActors: 8 }, log.content.snapshot.cursors, 0);
      for (const entry of log.content.entries) {
        if (entry.kind !== "snapshot" && entry.kind !== "mark") table.apply(entry, 0);
      }
      table.cursors();
      return TAKEN;
    } catch (thrown) {
      if (thrown instanceof RunError) return REFUSED;
      throw thrown;
    }
  };
}

/** Slices of a policy with anything in them. */
function policyTarget() {
  const transfer = new PolicyTransfer(100, 17);
  const total = 4 * 134;
  const bytes = Buffer.alloc(total, 3);
  const checksum = crc32c(bytes);
  return (random) => {
    transfer.begin();
    for (let offset = 0; offset < total; offset += 268) {
      const slice = { publication: 4, term: 1, version: 9, totalBytes: total, checksum, offset };
      const whole = { ...slice, data: bytes.subarray(offset, offset + 268) };
      const encoded = GetPolicyResponse.encode(GetPolicyResponse.fromPartial(whole)).finish();
      const damaged = random.uniform() < 0.5 ? mutated(encoded, random) : encoded;
      try {
        if (transfer.add(GetPolicyResponse.decode(damaged)) !== undefined) return REFUSED;
      } catch (thrown) {
        if (thrown instanceof Error) return REFUSED;
        throw thrown;
      }
    }
    return typeof transfer.finish() === "string" ? REFUSED : TAKEN;
  };
}

/** What is fuzzed: each makes a function that runs one case with the stream of that case. */
export const TARGETS = {
  payload: payloadTarget,
  message: messageTarget,
  policy: policyTarget,
  segment: segmentTarget,
  log: logTarget,
};
