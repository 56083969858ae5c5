import { z } from "zod";
import { RunError } from "../../errors.ts";
import { sha256 } from "../../storage/durable-files.ts";

/**
 * `manifest.json` says what a checkpoint is made of. It is written last, so a folder that has one is
 * complete, and it ends with the SHA-256 of its own text before that last line, so that it can be
 * judged before its format version is known.
 */
export const manifestName = "manifest.json";

/** Goes up when a reader of the version before would misread a checkpoint. */
export const checkpointFormatVersion = 1;

const fileSchema = z.strictObject({
  /** In `files` a plain name in the checkpoint's folder; in `replay` a path in the run folder. */
  path: z.string().regex(/^(?:replay\/)?[A-Za-z0-9][A-Za-z0-9._-]*$/),
  sizeBytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const manifestSchema = z.strictObject({
  format: z.literal("troupe-checkpoint"),
  version: z.literal(checkpointFormatVersion),
  /** `full` can be resumed; `snapshot` holds what was evaluated, without replay. */
  kind: z.enum(["full", "snapshot"]),
  learnerStep: z.int().nonnegative(),
  envSteps: z.int().nonnegative(),
  files: z.array(fileSchema),
  replay: z.array(fileSchema),
});

const versionSchema = z.object({ version: z.int() });

export type CheckpointFile = z.infer<typeof fileSchema>;
export type CheckpointManifest = z.infer<typeof manifestSchema>;

const seal = /,\n {2}"sha256": "([0-9a-f]{64})"\n\}\n$/;

/** @throws TypeError when a field is not what the schema says: that is a caller's bug. */
export function encodeManifest(manifest: CheckpointManifest): string {
  const checked = manifestSchema.safeParse(manifest);
  if (!checked.success) throw new TypeError(`manifest: ${z.prettifyError(checked.error)}`);
  const body = JSON.stringify(checked.data, null, 2).slice(0, -"\n}".length);
  return `${body},\n  "sha256": "${sha256(body)}"\n}\n`;
}

/**
 * @throws RunError CHECKPOINT_CORRUPT when any byte differs from what was written,
 *   CHECKPOINT_INCOMPATIBLE when a newer troupe wrote it.
 */
export function parseManifest(text: string): CheckpointManifest {
  const body = text.replace(seal, "");
  if (body === text || seal.exec(text)?.[1] !== sha256(body)) {
    throw new RunError("CHECKPOINT_CORRUPT", `${manifestName} does not match its own checksum`);
  }
  const raw = parseJson(`${body}\n}`);
  const version = versionSchema.safeParse(raw);
  if (version.success && version.data.version > checkpointFormatVersion) {
    throw new RunError(
      "CHECKPOINT_INCOMPATIBLE",
      `checkpoint format ${version.data.version} is newer than format ${checkpointFormatVersion}, ` +
        "the newest that this troupe reads: use the version that wrote it",
    );
  }
  const parsed = manifestSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new RunError("CHECKPOINT_CORRUPT", `${manifestName}: ${z.prettifyError(parsed.error)}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RunError("CHECKPOINT_CORRUPT", `${manifestName} is not JSON`, { cause });
  }
}
