import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { sha256, syncPath, writeDurable } from "../../storage/durable-files.ts";
import { encodeExactJson } from "./exact-json.ts";
import {
  type CheckpointFile,
  checkpointFormatVersion,
  encodeManifest,
  manifestName,
} from "./manifest.ts";
import { tensorsName } from "./read-checkpoint.ts";
import { encodeSafetensors, type StoredTensors } from "./safetensors.ts";

/** What was evaluated: enough to act and to look at, without replay. Plain data. */
export interface SnapshotContents {
  readonly learnerStep: number;
  readonly envSteps: number;
  /** Parameters, slow copies, optimiser moments, by any names; one safetensors file. */
  readonly tensors: StoredTensors;
  /** Each becomes NAME.json: random states, limiter, normaliser, counters, cursors. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Side files by name, e.g. `policy.onnx`. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

/** A cut of the whole system, from which the run goes on. */
export interface CheckpointContents extends SnapshotContents {
  /** Immutable segments that are in `RUN/replay` already; paths are `replay/NAME`. */
  readonly replay: readonly CheckpointFile[];
}

/** A checkpoint ready to be written, its manifest last. */
export interface EncodedCheckpoint {
  readonly files: readonly { readonly name: string; readonly content: Uint8Array }[];
  readonly sizeBytes: number;
}

/** @throws TypeError when something cannot be stored exactly: that is a caller's bug. */
export function encodeContents(contents: SnapshotContents | CheckpointContents): EncodedCheckpoint {
  const named: readonly (readonly [string, Uint8Array])[] = [
    [tensorsName, encodeSafetensors(contents.tensors)],
    ...Object.entries(contents.json).map(
      ([name, part]) => [`${name}.json`, Buffer.from(encodeExactJson(part, name))] as const,
    ),
    ...Object.entries(contents.files ?? {}),
  ];
  const files = named.map(([name, content]) => ({ name, content }));
  checkNames(files.map(({ name }) => name));
  const manifest = encodeManifest({
    format: "troupe-checkpoint",
    version: checkpointFormatVersion,
    kind: "replay" in contents ? "full" : "snapshot",
    learnerStep: contents.learnerStep,
    envSteps: contents.envSteps,
    files: files.map(({ name, content }) => ({
      path: name,
      sizeBytes: content.length,
      sha256: sha256(content),
    })),
    replay: "replay" in contents ? [...contents.replay] : [],
  });
  files.push({ name: manifestName, content: Buffer.from(manifest) });
  return { files, sizeBytes: files.reduce((sum, { content }) => sum + content.length, 0) };
}

function checkNames(names: readonly string[]): void {
  const taken = new Set<string>([manifestName]);
  for (const name of names) {
    if (taken.has(name)) throw new TypeError(`two files of a checkpoint are called ${name}`);
    taken.add(name);
  }
}

/** Writes the files into a new folder and waits until the disk has them. */
export function writeFolder(folder: string, checkpoint: EncodedCheckpoint): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const { name, content } of checkpoint.files) writeDurable(join(folder, name), content);
  syncPath(folder);
}
