/**
 * Troupe's public API.
 *
 *     const { folder } = await train({ env: { id: "HalfCheetah-v5" } });
 *     const policy = await loadPolicy(folder);
 */
import "./no-telemetry.ts";

export type { Config, ConfigInput } from "./config/schema.ts";
export type {
  BoxSpace,
  DiscreteSpace,
  Env,
  EnvFactory,
  EnvSnapshot,
  ResetOptions,
  ResetResult,
  Space,
  StartState,
  StepInfo,
  StepResult,
} from "./envs/env.ts";
export { makeTask } from "./envs/own/own-task.ts";
export {
  defineTask,
  type TaskDefinition,
  type TaskFrame,
  type TaskJoint,
  type TaskObservation,
  type TaskOptions,
  type TaskRandom,
  type TaskSimulation,
} from "./envs/own/task-definition.ts";
export { makeEnv } from "./envs/registry.ts";
export { type ErrorCode, RunError } from "./errors.ts";
export { type LoadedPolicy, type LoadPolicyOptions, loadPolicy } from "./learner/load-policy.ts";
export {
  type Evaluation,
  type TrainOptions,
  type TrainResult,
  train,
  trainCluster,
} from "./run/train.ts";
