/** error: training would go wrong. warning: it may, or something will not work. note: good to know. */
export type Severity = "error" | "warning" | "note";

/** One thing an environment does that it should not. */
export interface Finding {
  readonly severity: Severity;
  /** Which check found it, e.g. "determinism". */
  readonly check: string;
  readonly what: string;
  /** When it happened; null where that means nothing. */
  readonly where: { readonly seed: number; readonly step: number } | null;
  /** How to put it right. */
  readonly fix: string;
}

/** What the checks measured. */
export interface CheckFigures {
  readonly steps: number;
  readonly episodes: number;
  readonly meanEpisodeLength: number | null;
  /** Medians, in microseconds. */
  readonly stepMicros: number | null;
  readonly resetMicros: number | null;
  /** Memory that stays after a reset with its share of steps; null: not measured. */
  readonly bytesPerReset: number | null;
}

export interface CheckReport {
  readonly env: string;
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  readonly figures: CheckFigures;
  readonly seconds: number;
}

/** Collects what was found, each kind of thing once: the first place is the one to look at. */
export class Findings {
  readonly all: Finding[] = [];
  readonly #told: (finding: Finding) => void;
  readonly #known = new Set<string>();

  constructor(told: (finding: Finding) => void = () => undefined) {
    this.#told = told;
  }

  /** @param kind Distinguishes findings of a check; its first one is kept. */
  add(kind: string, finding: Finding): void {
    const key = `${finding.check}/${kind}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.all.push(finding);
    this.#told(finding);
  }

  get hasErrors(): boolean {
    return this.all.some(({ severity }) => severity === "error");
  }
}
