import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseConfig } from "../config/parse.ts";
import type { Env } from "../envs/env.ts";
import { isExternal } from "../envs/external.ts";
import { openEnv } from "../envs/registry.ts";
import { RunError } from "../errors.ts";
import { RandomStream } from "../math/random.ts";
import { replaceDurable, writeFailure } from "../storage/durable-files.ts";
import { algorithmOf, policyShape } from "./assemble.ts";
import { checkExport } from "./check-export.ts";
import { openSnapshot, type SnapshotChoice } from "./checkpoint/open-snapshot.ts";
import type { Checkpoint } from "./checkpoint/read-checkpoint.ts";
import { learnerStateOf } from "./cut.ts";
import {
  concatenate,
  PolicyExporter,
  type PolicyShape,
  type PolicyWeights,
} from "./export-policy.ts";
import { loadPlugins } from "./load-plugins.ts";
import { type LoadedPolicy, openPolicy } from "./load-policy.ts";
import { NormalizedObservations } from "./observation-normalizer.ts";
import { POLICY_FILE } from "./policy-graph.ts";

export interface ExportRunOptions {
  /** Without it the best policy, or the last while nothing has been evaluated. */
  readonly checkpoint?: SnapshotChoice;
  /** Path of the file to write; `RUN/export/policy.onnx` by default. */
  readonly output?: string;
}

export interface ExportedRun {
  readonly path: string;
  /** The checkpoint's name. */
  readonly checkpoint: string;
  readonly env: string;
  readonly learnerStep: number;
  readonly envSteps: number;
  /** Observations that the export was checked on. */
  readonly checkedObservations: number;
  /** Largest difference from the learner's own actions on them, in half ranges of the action. */
  readonly maxDifference: number;
}

/** Environment steps recorded to check an export on. */
const recordedSteps = 256;

/**
 * Exports a run's policy as one ONNX file, after comparing it with the learner's own policy on
 * observations recorded in the run's environment, or drawn at random where only actors have it.
 *
 * @throws RunError RUN_NOT_FOUND when the run has no checkpoint, CHECKPOINT_CORRUPT or
 *   CHECKPOINT_INCOMPATIBLE when it cannot be read, INTERNAL when the export does not act like the
 *   learner, DISK_FULL. Nothing is written then.
 */
export async function exportRun(
  runFolder: string,
  options: ExportRunOptions = {},
): Promise<ExportedRun> {
  const snapshot = openSnapshot(runFolder, options.checkpoint);
  const config = parseConfig(snapshot.json["config"]);
  const env = await openEnv(config.env.id, config.env.options);
  try {
    const problem = {
      config,
      observationSize: env.observationSpace.size,
      image: env.observationSpace.image,
      actionSpace: env.actionSpace,
    };
    const shape = policyShape(algorithmOf(problem, await loadPlugins(config)), problem);
    const source = { ...shape, ...policyWeights(snapshot, shape) };
    const model = new PolicyExporter(shape).encode(source, {
      "troupe.env": config.env.id,
      "troupe.algorithm": config.algorithm.name,
      "troupe.learner_step": String(snapshot.learnerStep),
      "troupe.env_steps": String(snapshot.envSteps),
    });
    await using policy = await openPolicy(model, POLICY_FILE);
    const observations = isExternal(env.id)
      ? drawObservations(env.observationSpace.size)
      : await recordObservations(env, policy);
    const maxDifference = await checkExport(model, source, observations);
    const path = options.output ?? join(runFolder, "export", POLICY_FILE);
    writeModel(path, model);
    return {
      path,
      checkpoint: snapshot.name,
      env: config.env.id,
      learnerStep: snapshot.learnerStep,
      envSteps: snapshot.envSteps,
      checkedObservations: recordedSteps,
      maxDifference,
    };
  } finally {
    env.close();
  }
}

/**
 * The policy's weights in a checkpoint.
 * @throws RunError CHECKPOINT_INCOMPATIBLE when the checkpoint is of another network.
 */
export function policyWeights(snapshot: Checkpoint, shape: PolicyShape): PolicyWeights {
  const { group, policy } = shape;
  const tensors = group.parameters.map(({ name, shape: expected }) => {
    const path = shape.chooser ? `parameters/${name}` : `parameters/${group.name}/${name}`;
    const tensor =
      snapshot.tensors[path] ?? snapshot.tensors[`parameters/${policy.encoder}/${name}`];
    if (tensor?.data instanceof Float32Array && tensor.shape.join() === expected.join()) {
      return tensor.data;
    }
    const message = `${snapshot.name} has no float32 tensor ${path} of shape [${expected}]`;
    throw new RunError("CHECKPOINT_INCOMPATIBLE", message);
  });
  const parameters = concatenate(tensors);
  const { normalizer } = learnerStateOf(snapshot);
  const observations = new NormalizedObservations(policy.observationSize, normalizer);
  return { parameters, normalizer: observations.published() };
}

/** Standard normals, [recordedSteps, size]. */
function drawObservations(size: number): Float32Array {
  const observations = new Float32Array(recordedSteps * size);
  RandomStream.derive(0, "export").fillNormal(observations);
  return observations;
}

/** Raw observations of the policy acting, [recordedSteps, observation size]. */
async function recordObservations(env: Env, policy: LoadedPolicy): Promise<Float32Array> {
  const { size } = env.observationSpace;
  const rows = new Float32Array(recordedSteps * size);
  let { observation } = env.reset({ seed: 0 });
  for (let row = 0; row < recordedSteps; row++) {
    rows.set(observation, row * size);
    const step = env.step(await policy.act(observation));
    observation = step.terminated || step.truncated ? env.reset().observation : step.observation;
  }
  return rows;
}

function writeModel(path: string, model: Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    replaceDurable(path, model);
  } catch (thrown) {
    throw writeFailure(path, thrown);
  }
}
