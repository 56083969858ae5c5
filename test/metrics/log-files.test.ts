import { appendFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { logKeys } from "../../src/metrics/definitions.ts";
import { EvaluationsNpz, readEvaluations } from "../../src/metrics/evaluations-npz.ts";
import { JsonlWriter } from "../../src/metrics/jsonl.ts";
import type { LogRecord } from "../../src/metrics/log-record.ts";
import { MonitorCsvWriter } from "../../src/metrics/monitor-csv.ts";
import { ProgressCsvWriter } from "../../src/metrics/progress-csv.ts";
import { maskedCrc, TensorBoardWriter } from "../../src/metrics/tensorboard.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "logs-"));

function record(step: number, values: Record<string, number> = {}): LogRecord {
  return { step, time: 1_700_000_000.5, values: new Map(Object.entries(values)) };
}

const lines = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");

describe("JsonlWriter", () => {
  test("writes an object a record, what is not a number as null", () => {
    const path = join(folder(), "metrics.jsonl");
    {
      using writer = new JsonlWriter(path);
      writer.write(record(10, { "time/fps": 3.5, "train/actor_loss": Number.NaN }));
    }
    expect(lines(path).map((line) => JSON.parse(line) as unknown)).toEqual([
      { step: 10, time: 1_700_000_000.5, "time/fps": 3.5, "train/actor_loss": null },
    ]);
  });

  test("drops what a resumed run will do again, and a line that was cut off", () => {
    const path = join(folder(), "metrics.jsonl");
    {
      using writer = new JsonlWriter(path);
      for (const step of [10, 20, 30]) writer.write(record(step));
    }
    appendFileSync(path, '{"step":3');
    {
      using writer = new JsonlWriter(path, 20);
      writer.write(record(25));
    }
    expect(lines(path).map((line) => (JSON.parse(line) as LogRecord).step)).toEqual([10, 20, 25]);
  });

  test("begins anew when it is not told to resume", () => {
    const path = join(folder(), "metrics.jsonl");
    writeFileSync(path, '{"step":5}\nnot json\n');
    new JsonlWriter(path)[Symbol.dispose]();
    expect(readFileSync(path, "utf8")).toBe("");
  });
});

describe("ProgressCsvWriter", () => {
  test("has one header for good and empty cells for what is not known yet", () => {
    const path = join(folder(), "progress.csv");
    {
      using writer = new ProgressCsvWriter(path);
      writer.write(record(10, { "time/fps": 3.5 }));
      writer.write(record(20, { "eval/mean_reward": 7 }));
    }
    {
      using writer = new ProgressCsvWriter(path, 10);
      writer.write(record(15, {}));
    }
    const [header = "", ...rows] = lines(path);
    const columns = header.split(",");
    expect(columns).toEqual(["step", "time", ...logKeys]);
    expect(rows.map((row) => row.split(",").length)).toEqual([columns.length, columns.length]);
    expect(rows.map((row) => row.split(",")[0])).toEqual(["10", "15"]);
    expect(rows[0]?.split(",")[columns.indexOf("time/fps")]).toBe("3.5");
  });

  test("begins anew under a header of other columns", () => {
    const path = join(folder(), "progress.csv");
    writeFileSync(path, "step,old\n1,2\n");
    new ProgressCsvWriter(path, 100)[Symbol.dispose]();
    expect(lines(path)).toEqual([["step", "time", ...logKeys].join(",")]);
  });
});

describe("MonitorCsvWriter", () => {
  test("writes what Stable-Baselines3's Monitor writes, its head once", () => {
    const path = join(folder(), "0.monitor.csv");
    for (const time of [101, 102.25]) {
      using writer = new MonitorCsvWriter(path, "Hopper-v5", 100);
      writer.write({ return: 12.5, length: 20, time });
    }
    expect(lines(path)).toEqual([
      '#{"t_start":100,"env_id":"Hopper-v5"}',
      "r,l,t",
      "12.5,20,1.000000",
      "12.5,20,2.250000",
    ]);
  });
});

describe("EvaluationsNpz", () => {
  test("reads back what it wrote, up to the step that a run resumes from", () => {
    const path = join(folder(), "evaluations.npz");
    const entries = [100, 200, 300].map((step) => ({
      step,
      returns: [step, -1.5],
      lengths: [7, 9],
    }));
    const file = new EvaluationsNpz(path);
    for (const entry of entries) file.add(entry);
    expect(readEvaluations(path)).toEqual([]);
    file.save();
    expect(readEvaluations(path)).toEqual(entries);
    expect(new EvaluationsNpz(path, 200).entries).toEqual(entries.slice(0, 2));
  });

  test("keeps evaluations of different numbers of episodes", () => {
    const path = join(folder(), "evaluations.npz");
    const file = new EvaluationsNpz(path);
    file.add({ step: 1, returns: [1], lengths: [2] });
    file.add({ step: 2, returns: [3, 4], lengths: [5, 6] });
    file.save();
    expect(readEvaluations(path)).toEqual(file.entries);
  });
});

/** Reads an event file the way TensorBoard does, checking both checksums of every record. */
function readEvents(path: string) {
  const bytes = readFileSync(path);
  const events: { step: number; version?: string; start?: boolean; values: [string, number][] }[] =
    [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(referenceMaskedCrc(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(referenceMaskedCrc(data));
    events.push(readEvent(data));
    at += 16 + length;
  }
  return events;
}

function readEvent(data: Uint8Array) {
  const reader = new BinaryReader(data);
  const event: ReturnType<typeof readEvents>[number] = { step: 0, values: [] };
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 2) event.step = Number(reader.int64());
    else if (field === 3) event.version = reader.string();
    else if (field === 7) event.start = Buffer.from(reader.bytes()).equals(Buffer.from([8, 1]));
    else if (field === 5) event.values = readSummary(reader.bytes());
    else reader.skip(wire);
  }
  return event;
}

function readSummary(data: Uint8Array): [string, number][] {
  const reader = new BinaryReader(data);
  const values: [string, number][] = [];
  while (reader.pos < reader.len) {
    reader.tag();
    const value = new BinaryReader(reader.bytes());
    value.tag();
    const tag = value.string();
    value.tag();
    values.push([tag, value.float()]);
  }
  return values;
}

/** CRC-32C bit by bit: polynomial 0x1edc6f41, reflected. */
function referenceCrc(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function referenceMaskedCrc(data: Uint8Array): number {
  const crc = BigInt(referenceCrc(data));
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

describe("TensorBoardWriter", () => {
  test("knows the published check value of CRC-32C", () => {
    expect(referenceCrc(Buffer.from("123456789"))).toBe(0xe3069283);
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        expect(maskedCrc(data)).toBe(referenceMaskedCrc(data));
      }),
    );
  });

  test("writes records that decode to the steps, tags and values", () => {
    const tb = folder();
    {
      using writer = new TensorBoardWriter(tb, 1_700_000_000.5);
      writer.write(record(5_000_000_000, { "train/q_mean": 1.25, "time/fps": Number.NaN }));
      writer.write(record(6_000_000_000, { "train/q_mean": 1e300 }));
    }
    const [name = ""] = readdirSync(tb);
    expect(name).toMatch(/^events\.out\.tfevents\.1700000000\./);
    expect(readEvents(join(tb, name))).toEqual([
      { step: 0, version: "brain.Event:2", values: [] },
      {
        step: 5_000_000_000,
        values: [
          ["train/q_mean", 1.25],
          ["time/fps", Number.NaN],
        ],
      },
      { step: 6_000_000_000, values: [["train/q_mean", Infinity]] },
    ]);
  });

  test("tells TensorBoard to forget what a resumed run does again", () => {
    const tb = folder();
    new TensorBoardWriter(tb, 1, 40)[Symbol.dispose]();
    const [name = ""] = readdirSync(tb);
    expect(readEvents(join(tb, name))[1]).toEqual({ step: 41, start: true, values: [] });
  });
});
