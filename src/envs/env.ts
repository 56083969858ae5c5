import type { RenderOptions } from "../render/renderer.ts";

/** A box of float32 vectors; `low` and `high` are [size] and may be infinite. */
export interface BoxSpace {
  readonly kind: "box";
  readonly size: number;
  readonly low: Float32Array;
  readonly high: Float32Array;
  /** Of observations: they are a camera's. */
  readonly image?: ImageSpace;
}

/**
 * The last `stack` frames of a camera, oldest first, each [channels, height, width] of bytes. While an episode
 * is younger than that, its first frame stands for those before it; each step adds one.
 */
export interface ImageSpace {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly stack: number;
}

/** A finite set {0 .. count - 1}. */
export interface DiscreteSpace {
  readonly kind: "discrete";
  readonly count: number;
}

export type Space = BoxSpace | DiscreteSpace;

/** A physics state to start from. Fields left out keep what the task's own reset gives. */
export interface StartState {
  readonly qpos?: ArrayLike<number>;
  readonly qvel?: ArrayLike<number>;
  readonly act?: ArrayLike<number>;
  readonly time?: number;
  /** Warm start of the constraint solver, qacc_warmstart. */
  readonly warmstart?: ArrayLike<number>;
  /** Model numbers the task draws at reset, by MuJoCo's field name and the element's: geom_pos_target. */
  readonly edits?: Readonly<Record<string, ArrayLike<number>>>;
}

export interface ResetOptions {
  /** Restarts the environment's random stream; without it the stream goes on. */
  readonly seed?: number;
  readonly state?: StartState;
}

/** Named numbers about a step, e.g. the terms of the reward. */
export type StepInfo = Readonly<Record<string, number>>;

/** Numbers, or a camera's bytes. */
export type Observation = Float64Array | Uint8Array;

export interface ResetResult {
  /** [observationSpace.size], valid until the next call; bytes where the space has an `image`. */
  readonly observation: Observation;
  readonly info: StepInfo;
}

export interface StepResult extends ResetResult {
  readonly reward: number;
  /** The task ended: the state has no future. */
  readonly terminated: boolean;
  /** The episode was cut off, by a time limit for example: the state has a future, unseen. */
  readonly truncated: boolean;
}

/** A complete, JSON-able state: restoring it continues the episode bit for bit. */
export type EnvSnapshot = Readonly<Record<string, unknown>>;

/** A camera on an environment, until that is closed. */
export interface View {
  readonly width: number;
  readonly height: number;
  /** Geoms that cannot be drawn as they are, by name: their bounding boxes are. */
  readonly boxed: readonly string[];
  /**
   * Draws the present state into `out`, [height, width, 3] red, green and blue from the top left, and
   * returns it. Changes nothing about the episode.
   * @throws RangeError when `out` has another length. @throws RunError ENV_FAILED after `close`.
   */
  render(out: Uint8Array): Uint8Array;
}

/**
 * One environment, with the meaning of Gymnasium's `Env`.
 *
 * Not re-entrant. The caller owns the instance and calls `close`. Results, with their arrays and
 * `info`, belong to the environment and are overwritten by its next call: copy what is kept.
 */
export interface Env {
  readonly id: string;
  readonly observationSpace: BoxSpace;
  readonly actionSpace: Space;
  /** Steps after which the episode is truncated; Infinity when there is no limit. */
  readonly maxEpisodeSteps: number;

  /** Starts an episode. */
  reset(options?: ResetOptions): ResetResult;

  /**
   * Advances one step. `action` is [actionSpace.size] for a box, one index for a discrete space.
   * @throws RunError ENV_FAILED when the action's shape is wrong or the physics diverged.
   */
  step(action: ArrayLike<number>): StepResult;

  /** Present on environments that can be checkpointed exactly. */
  snapshot?(): EnvSnapshot;
  restore?(snapshot: EnvSnapshot): ResetResult;

  /** Simulated seconds per step; absent where time means nothing. */
  readonly dt?: number;

  /** Present on environments that can be drawn. Names of their cameras; the first is the default. */
  readonly cameras?: readonly string[];
  /** @throws RunError CONFIG_INVALID for a size or camera that cannot be. */
  openView?(options: RenderOptions): View;

  /** Frees what the environment holds outside the JavaScript heap. */
  close(): void;
}

/** Makes an instance; called in the thread that will step it. */
export type EnvFactory = (options?: Readonly<Record<string, unknown>>) => Promise<Env>;
