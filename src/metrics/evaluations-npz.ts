import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { unzipSync, zipSync } from "fflate";
import { dump, parse } from "npyjs";
import { writeFailure } from "../storage/durable-files.ts";

/** What one evaluation measured. */
export interface EvaluationEntry {
  /** Environment steps of training behind the policy. */
  readonly step: number;
  /** [episodes], raw. */
  readonly returns: readonly number[];
  /** [episodes], in steps. */
  readonly lengths: readonly number[];
}

/**
 * evaluations.npz with Stable-Baselines3's arrays: timesteps [n], results [n, episodes], ep_lengths
 * [n, episodes]. Where evaluations differ in episodes the shorter rows end in NaN, or 0 for lengths.
 */
export class EvaluationsNpz {
  readonly #path: string;
  #entries: readonly EvaluationEntry[];
  #isSaved = true;

  /** @param resumeStep Evaluations after this step are dropped; they will be made again. */
  constructor(path: string, resumeStep = 0) {
    this.#path = path;
    this.#entries = readEvaluations(path).filter(({ step }) => step <= resumeStep);
  }

  get entries(): readonly EvaluationEntry[] {
    return this.#entries;
  }

  /** Adds one, for the next `save`. */
  add(entry: EvaluationEntry): void {
    this.#entries = [...this.#entries, entry];
    this.#isSaved = false;
  }

  /** Replaces the file as a whole, unless it has all entries. @throws RunError DISK_FULL */
  save(): void {
    if (this.#isSaved) return;
    const temporary = `${this.#path}.tmp`;
    try {
      writeFileSync(temporary, encodeEvaluations(this.#entries));
      renameSync(temporary, this.#path);
    } catch (thrown) {
      rmSync(temporary, { force: true });
      throw writeFailure(this.#path, thrown);
    }
    this.#isSaved = true;
  }
}

export function encodeEvaluations(entries: readonly EvaluationEntry[]): Uint8Array {
  const episodes = Math.max(0, ...entries.map(({ returns }) => returns.length));
  const columns = Array.from({ length: episodes }, (_, i) => i);
  const returns = entries.flatMap((entry) => columns.map((i) => entry.returns[i] ?? Number.NaN));
  const lengths = entries.flatMap((entry) => columns.map((i) => entry.lengths[i] ?? 0));
  const shape = [entries.length, episodes];
  const file = (array: Float64Array | BigInt64Array, dimensions: number[]): Uint8Array =>
    new Uint8Array(dump(array, dimensions));
  return zipSync({
    "timesteps.npy": file(integers(entries.map(({ step }) => step)), [entries.length]),
    "results.npy": file(Float64Array.from(returns), shape),
    "ep_lengths.npy": file(integers(lengths), shape),
  });
}

/** The evaluations in a file; none when there is no file, or none that we can read. */
export function readEvaluations(path: string): readonly EvaluationEntry[] {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw thrown;
  }
  const files = unzipSync(bytes);
  const column = (name: string): readonly number[] => {
    const file = files[`${name}.npy`];
    return file ? Array.from(parse(file.slice().buffer).data as Float64Array, Number) : [];
  };
  const steps = column("timesteps");
  const [returns, lengths] = [column("results"), column("ep_lengths")];
  const episodes = returns.length / Math.max(1, steps.length);
  return steps.map((step, i) => {
    const row = returns.slice(i * episodes, (i + 1) * episodes);
    const count = row.filter((value) => !Number.isNaN(value)).length;
    return {
      step,
      returns: row.slice(0, count),
      lengths: lengths.slice(i * episodes, i * episodes + count),
    };
  });
}

function integers(values: readonly number[]): BigInt64Array {
  return BigInt64Array.from(values, (value) => BigInt(Math.round(value)));
}
