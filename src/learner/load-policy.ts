import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { RunError } from "../errors.ts";
import { RandomStream } from "../math/random.ts";
import { openSnapshot, type SnapshotChoice } from "./checkpoint/open-snapshot.ts";
import { POLICY_FILE, POLICY_INPUT, POLICY_NOISE, POLICY_OUTPUT } from "./policy-graph.ts";

export interface LoadPolicyOptions {
  /** Of a run folder: the best evaluated policy or the last. Without it the best, if there is one. */
  readonly checkpoint?: SnapshotChoice;
}

/** A trained policy, ready to act. */
export interface LoadedPolicy extends AsyncDisposable {
  readonly observationSize: number;
  readonly actionSize: number;

  /**
   * The policy's deterministic action.
   *
   * @param observation Raw, as the environment gives it: [observationSize], or several one after
   *   another.
   * @returns a new array in the environment's units: [actionSize] for each observation.
   * @throws RangeError when the length is not a positive multiple of `observationSize`.
   */
  act(observation: ArrayLike<number>): Promise<Float32Array>;

  /** Frees the session; `act` must not be called after it. */
  close(): Promise<void>;
}

/**
 * Loads the policy of a run folder or of an exported `policy.onnx`.
 *
 *     const policy = await loadPolicy("runs/my-run");
 *     const action = await policy.act(observation);
 *
 * @throws RunError RUN_NOT_FOUND when there is no such run or file, or no policy in it yet;
 *   CHECKPOINT_CORRUPT when the file is damaged or is not an exported policy.
 */
export async function loadPolicy(
  runOrFile: string,
  options: LoadPolicyOptions = {},
): Promise<LoadedPolicy> {
  return await openPolicy(await readModel(runOrFile, options), runOrFile);
}

/**
 * The policy in an exported model, or in one that draws actions: then with normals from `random`.
 * @param name Named in errors.
 */
export async function openPolicy(
  model: Uint8Array,
  name: string,
  random: RandomStream = RandomStream.derive(0),
): Promise<LoadedPolicy> {
  const session = await openSession(model, name);
  const observationSize = lastLength(session.inputMetadata, POLICY_INPUT);
  const actionSize = lastLength(session.outputMetadata, POLICY_OUTPUT);
  if (observationSize === undefined || actionSize === undefined) {
    await session.release();
    throw new RunError("CHECKPOINT_CORRUPT", `${name} is not an exported policy`);
  }
  const noiseSize = lastLength(session.inputMetadata, POLICY_NOISE);
  const draw = (rows: number): Record<string, Tensor> => {
    if (noiseSize === undefined) return {};
    const noise = new Float32Array(rows * noiseSize);
    random.fillNormal(noise);
    return { [POLICY_NOISE]: new Tensor("float32", noise, [rows, noiseSize]) };
  };
  const close = (): Promise<void> => session.release();
  return {
    observationSize,
    actionSize,
    close,
    [Symbol.asyncDispose]: close,
    act: async (observation) => {
      const rows = observation.length / observationSize;
      if (!(Number.isInteger(rows) && rows > 0)) {
        const message = `${observation.length} numbers, observations of ${observationSize}`;
        throw new RangeError(message);
      }
      const data = Float32Array.from(observation);
      const input = new Tensor("float32", data, [rows, observationSize]);
      const results = await session.run({ [POLICY_INPUT]: input, ...draw(rows) });
      return Float32Array.from(results[POLICY_OUTPUT]?.data as Float32Array);
    },
  };
}

async function readModel(runOrFile: string, options: LoadPolicyOptions): Promise<Uint8Array> {
  const stats = statSync(runOrFile, { throwIfNoEntry: false });
  if (stats === undefined) throw new RunError("RUN_NOT_FOUND", `${runOrFile} does not exist`);
  if (!stats.isDirectory()) return readFile(runOrFile);
  const snapshot = openSnapshot(runOrFile, options.checkpoint);
  const model = snapshot.files[POLICY_FILE];
  if (model !== undefined) return model;
  throw new RunError("RUN_NOT_FOUND", `${join(snapshot.folder, POLICY_FILE)} does not exist`);
}

async function openSession(model: Uint8Array, name: string): Promise<InferenceSession> {
  try {
    // One observation at a time is far too little work to share among threads.
    return await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  } catch (cause) {
    throw new RunError("CHECKPOINT_CORRUPT", `${name} is not an ONNX model`, { cause });
  }
}

/** The last axis of the float32 matrix with this name. */
function lastLength(
  metadata: readonly InferenceSession.ValueMetadata[],
  name: string,
): number | undefined {
  const port = metadata.find((entry) => entry.name === name);
  if (!port?.isTensor || port.type !== "float32" || port.shape.length !== 2) return undefined;
  const length = port.shape[1];
  return typeof length === "number" ? length : undefined;
}
