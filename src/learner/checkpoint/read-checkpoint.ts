import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { RunError } from "../../errors.ts";
import { hashFile, sha256, systemCode } from "../../storage/durable-files.ts";
import {
  type CheckpointFile,
  type CheckpointManifest,
  manifestName,
  parseManifest,
} from "./manifest.ts";
import { decodeSafetensors, type StoredTensor } from "./safetensors.ts";

/** The file all tensors of a checkpoint are in. */
export const tensorsName = "learner.safetensors";

/** What a checkpoint says, verified against its manifest. */
export interface Checkpoint {
  /** The folder's name, e.g. `ckpt_000012000_24000`. */
  readonly name: string;
  readonly folder: string;
  readonly kind: "full" | "snapshot";
  readonly learnerStep: number;
  readonly envSteps: number;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  /** The JSON parts by name, without `.json`; parse them before use. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Every other file by name, e.g. `policy.onnx`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Replay segments, in the order they were given; paths are relative to the run folder. */
  readonly replay: readonly CheckpointFile[];
}

/**
 * Reads a checkpoint's own files, comparing each with the manifest.
 *
 * @throws RunError CHECKPOINT_CORRUPT naming the file that is missing or differs,
 *   CHECKPOINT_INCOMPATIBLE when a newer troupe wrote it.
 */
export function readCheckpoint(folder: string): Checkpoint {
  const manifest = readManifest(folder);
  const json: [string, unknown][] = [];
  const files: [string, Uint8Array][] = [];
  let tensors: Record<string, StoredTensor> = {};
  for (const file of manifest.files) {
    const content = readDamageable(join(folder, file.path));
    compare(file, { sizeBytes: content.length, sha256: sha256(content) });
    if (file.path === tensorsName) tensors = decodeSafetensors(content);
    else if (!file.path.endsWith(".json")) files.push([file.path, new Uint8Array(content)]);
    else json.push([basename(file.path, ".json"), JSON.parse(content.toString("utf8"))]);
  }
  return {
    name: basename(folder),
    folder,
    kind: manifest.kind,
    learnerStep: manifest.learnerStep,
    envSteps: manifest.envSteps,
    tensors,
    json: Object.fromEntries(json),
    files: Object.fromEntries(files),
    replay: manifest.replay,
  };
}

/** @throws RunError CHECKPOINT_CORRUPT, CHECKPOINT_INCOMPATIBLE, as `readCheckpoint`. */
export function readManifest(folder: string): CheckpointManifest {
  return parseManifest(readDamageable(join(folder, manifestName)).toString("utf8"));
}

/**
 * Compares replay segments in the run folder with a manifest.
 *
 * @throws RunError CHECKPOINT_CORRUPT naming the first that is missing or differs.
 */
export function verifyReplay(runFolder: string, replay: readonly CheckpointFile[]): void {
  for (const file of replay) compare(file, damageable(hashFile, join(runFolder, file.path)));
}

function compare(expected: CheckpointFile, found: Omit<CheckpointFile, "path">): void {
  if (found.sizeBytes !== expected.sizeBytes) {
    const sizes = `${found.sizeBytes} bytes, not ${expected.sizeBytes}`;
    throw new RunError("CHECKPOINT_CORRUPT", `${expected.path} has ${sizes}`);
  }
  if (found.sha256 !== expected.sha256) {
    throw new RunError("CHECKPOINT_CORRUPT", `${expected.path} does not match its SHA-256`);
  }
}

function readDamageable(path: string): Buffer {
  return damageable((name) => readFileSync(name), path);
}

/** What a damaged disk or a half-copied folder looks like; a permission problem, say, is not damage. */
const damageCodes: ReadonlySet<string> = new Set(["ENOENT", "EIO", "EISDIR", "ENOTDIR"]);

function damageable<T>(read: (path: string) => T, path: string): T {
  try {
    return read(path);
  } catch (cause) {
    const code = systemCode(cause);
    if (code === undefined || !damageCodes.has(code)) throw cause;
    throw new RunError("CHECKPOINT_CORRUPT", `${basename(path)} cannot be read: ${code}`, {
      cause,
    });
  }
}
