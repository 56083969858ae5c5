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
  View,
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
export { actionRepeat } from "./envs/wrappers/action-repeat.ts";
export { actionRescale } from "./envs/wrappers/action-rescale.ts";
export { episodeStatistics } from "./envs/wrappers/episode-statistics.ts";
export { frameStack } from "./envs/wrappers/frame-stack.ts";
export {
  type ObservationScaleOptions,
  observationScale,
} from "./envs/wrappers/observation-scale.ts";
export { type RewardScaleOptions, rewardScale } from "./envs/wrappers/reward-scale.ts";
export { timeLimit } from "./envs/wrappers/time-limit.ts";
export { Wrapper, WrapperResult, type WrapperState } from "./envs/wrappers/wrapper.ts";
export { type ErrorCode, RunError } from "./errors.ts";
export { type LoadedPolicy, type LoadPolicyOptions, loadPolicy } from "./learner/load-policy.ts";
export type { CameraChoice, FreeCamera } from "./render/camera.ts";
export type { RenderOptions } from "./render/renderer.ts";
export {
  type Evaluation,
  type TrainOptions,
  type TrainResult,
  train,
  trainCluster,
} from "./run/train.ts";
