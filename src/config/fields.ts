import { z } from "zod";

/**
 * Whether a resumed run may differ from its checkpoint in a field: `free` always, `tunable` except in
 * the deterministic mode, where it would change the numbers, `fixed` never: it would be another run.
 */
export type ResumeRule = "free" | "tunable" | "fixed";

/** A section of the file: every field has a default, so the whole section may be left out. */
export function group<T extends z.ZodRawShape>(text: string, shape: T) {
  return z.prefault(z.strictObject(shape), {} as never).meta({ description: text });
}

/** A field with its default, its resume rule and its text in `--help`, docs and JSON Schema. */
export function field<T extends z.ZodType>(schema: T, initial: z.input<T>, note: FieldNote) {
  // prefault, not default: the value passes through the schema, and shows in the input's JSON Schema.
  return z.prefault(schema, initial as never).meta({ description: note.text, resume: note.resume });
}

export interface FieldNote {
  readonly resume: ResumeRule;
  readonly text: string;
}

export const free = (text: string): FieldNote => ({ resume: "free", text });
export const tunable = (text: string): FieldNote => ({ resume: "tunable", text });
export const fixed = (text: string): FieldNote => ({ resume: "fixed", text });

const DIGIT_GROUPS = /^\d[\d_]*$/;

/** A whole number >= `least`; 1e6 and "1_000_000" are both welcome, as YAML reads the second as text. */
export function count(least: 0 | 1 | 2) {
  const message = `must be a whole number of at least ${least}, such as 1000, 1e6 or 1_000_000`;
  return z
    .union([z.number(), z.string().regex(DIGIT_GROUPS, { error: message })], { error: message })
    .transform((value) => (typeof value === "number" ? value : Number(value.replaceAll("_", ""))))
    .pipe(z.int({ error: message }).min(least, { error: message }));
}

/** A `count`, or "auto": chosen from the machine and the other settings. */
export function autoCount(least: 0 | 1) {
  const message = `must be "auto" or a whole number of at least ${least}`;
  return z.union([z.literal("auto"), count(least)], { error: message });
}

/** A finite number > 0. */
export const positive = () => z.number().positive();

/** A number in [0, 1]. */
export const fraction = () => z.number().min(0).max(1);
