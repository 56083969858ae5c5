import { z } from "zod";
import { RunError } from "../../errors.ts";
import type { RenderOptions } from "../../render/renderer.ts";
import type { Env, EnvSnapshot, ResetOptions, ResetResult, StepResult, View } from "../env.ts";

/** Plain JSON that a wrapper adds to the snapshot of what it wraps. */
export type WrapperState = Readonly<Record<string, unknown>>;

type Changes = Partial<Pick<Env, "observationSpace" | "actionSpace" | "maxEpisodeSteps" | "dt">>;

const inner = z.record(z.string(), z.unknown());

/**
 * An environment around another one, which it owns. It passes everything on; a subclass changes what it is
 * about, and says what of its own belongs in a snapshot.
 */
export abstract class Wrapper implements Env {
  readonly id: string;
  readonly observationSpace: Env["observationSpace"];
  readonly actionSpace: Env["actionSpace"];
  readonly maxEpisodeSteps: number;
  readonly snapshot?: () => EnvSnapshot;
  readonly restore?: (snapshot: EnvSnapshot) => ResetResult;
  readonly dt?: number;
  readonly cameras?: readonly string[];
  readonly openView?: (options: RenderOptions) => View;
  protected readonly env: Env;

  protected constructor(env: Env, changes: Changes = {}) {
    this.id = env.id;
    this.observationSpace = changes.observationSpace ?? env.observationSpace;
    this.actionSpace = changes.actionSpace ?? env.actionSpace;
    this.maxEpisodeSteps = changes.maxEpisodeSteps ?? env.maxEpisodeSteps;
    this.env = env;
    const dt = changes.dt ?? env.dt;
    if (dt !== undefined) this.dt = dt;
    if (env.cameras) this.cameras = env.cameras;
    if (env.openView) this.openView = env.openView.bind(env);
    if (!(env.snapshot && env.restore)) return;
    this.snapshot = () => ({ ...this.saveState(), env: env.snapshot?.() });
    this.restore = (snapshot) => this.#restore(snapshot);
  }

  reset(options?: ResetOptions): ResetResult {
    return this.env.reset(options);
  }

  step(action: ArrayLike<number>): StepResult {
    return this.env.step(action);
  }

  close(): void {
    this.env.close();
  }

  protected saveState(): WrapperState {
    return {};
  }

  /**
   * Takes over what `saveState` gave and turns what the inner environment shows into its own; null if the
   * state is not one of this wrapper's.
   */
  protected loadState(_state: WrapperState, shown: ResetResult): ResetResult | null {
    return shown;
  }

  #restore(snapshot: EnvSnapshot): ResetResult {
    const { env, ...own } = snapshot;
    const parsed = inner.safeParse(env);
    const shown = parsed.success ? this.env.restore?.(parsed.data) : undefined;
    const result = shown && this.loadState(own, shown);
    if (result) return result;
    const name = this.constructor.name;
    throw new RunError("CHECKPOINT_INCOMPATIBLE", `no snapshot of ${this.id} in a ${name}`);
  }
}

/** A result of a wrapper's own, so that the inner environment's stays as it is. */
export class WrapperResult implements StepResult {
  observation: StepResult["observation"] = new Float64Array(0);
  reward = 0;
  terminated = false;
  truncated = false;
  info: StepResult["info"] = {};

  /** Takes over everything. */
  copy(result: StepResult): this {
    this.observation = result.observation;
    this.reward = result.reward;
    this.terminated = result.terminated;
    this.truncated = result.truncated;
    this.info = result.info;
    return this;
  }
}
