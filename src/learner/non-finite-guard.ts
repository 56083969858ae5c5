import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "../errors.ts";
import type { MetricsRecorder } from "../metrics/recorder.ts";
import { encodeSafetensors } from "./checkpoint/safetensors.ts";

export interface NonFiniteGuardOptions {
  /** The run folder; batches go to `nonfinite/` in it. */
  readonly folder: string;
  /** Non-finite updates in a row before rolling back. */
  readonly maxInARow: number;
  /** Rollbacks before giving up. */
  readonly maxRollbacks: number;
  readonly recorder: MetricsRecorder;
  readonly warn: (message: string) => void;
  /** Puts the last checkpoint's parameters and moments back; false when there is none yet. */
  readonly rollBack: () => boolean;
}

/** What an update was computed from. */
export interface UpdateInputs {
  /** Columns of `size` rows. */
  readonly batch: { readonly size: number };
  readonly noise: Readonly<Record<string, Float32Array>>;
  readonly learnerStep: number;
}

/** Batches kept for reproduction; more of them would only fill the disk. */
const MAX_SAVED = 10;

/**
 * What happens after an update whose loss or gradient was not finite. The parameters are already those
 * from before it; here it is counted, its inputs are saved, and a run that does not recover is first
 * rolled back to its last checkpoint and then given up.
 */
export class NonFiniteGuard {
  readonly #options: NonFiniteGuardOptions;
  #inARow = 0;
  #rollbacks = 0;
  #saved = 0;

  constructor(options: NonFiniteGuardOptions) {
    this.#options = options;
  }

  wasFinite(): void {
    this.#inARow = 0;
  }

  /** @throws RunError TRAINING_DIVERGED when rolling back has not helped. */
  wasNotFinite(inputs: UpdateInputs): void {
    const { maxInARow, maxRollbacks, recorder, warn, rollBack } = this.#options;
    this.#inARow += 1;
    recorder.inc("troupe_train_nonfinite_total", 1);
    const path = this.#save(inputs);
    warn(
      `update ${inputs.learnerStep}: the loss or a gradient is not finite; parameters were kept` +
        (path ? `, its batch is in ${path}` : ""),
    );
    if (this.#inARow < maxInARow) return;
    this.#inARow = 0;
    this.#rollbacks += 1;
    if (this.#rollbacks > maxRollbacks || !rollBack()) {
      throw new RunError(
        "TRAINING_DIVERGED",
        `update ${inputs.learnerStep}: ${maxInARow} updates in a row were not finite after ` +
          `${this.#rollbacks - 1} rollbacks; lower algorithm.learningRates or look at ${this.#folder}`,
      );
    }
    recorder.inc("troupe_train_rollbacks_total");
    warn(`update ${inputs.learnerStep}: rolled back to the last checkpoint's parameters`);
  }

  get #folder(): string {
    return join(this.#options.folder, "nonfinite");
  }

  /** @returns The file, or undefined when enough have been kept. */
  #save({ batch, noise, learnerStep }: UpdateInputs): string | undefined {
    if (this.#saved >= MAX_SAVED) return undefined;
    this.#saved += 1;
    const columns: Readonly<Record<string, unknown>> = { ...batch, ...noise };
    const tensors = Object.fromEntries(
      Object.entries(columns).flatMap(([name, data]) =>
        data instanceof Float32Array || data instanceof Uint8Array
          ? [[name, { shape: [batch.size, data.length / batch.size], data }]]
          : [],
      ),
    );
    mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, `update_${learnerStep}.safetensors`);
    writeFileSync(path, encodeSafetensors(tensors));
    return path;
  }
}
