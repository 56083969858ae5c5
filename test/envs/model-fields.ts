import type { MjModel } from "@mujoco/mujoco";
import type { ModelFields } from "./fixtures.ts";

/** Getters of boolean arrays throw in the binding; elements can be read one by one. */
const BOOLEAN_FIELDS: Readonly<Record<string, (model: MjModel) => number[]>> = {
  jnt_limited: (model) => readEach(model.njnt, (i) => model.jnt(i), "limited"),
  actuator_ctrllimited: (model) => readEach(model.nu, (i) => model.actuator(i), "ctrllimited"),
  actuator_forcelimited: (model) => readEach(model.nu, (i) => model.actuator(i), "forcelimited"),
  actuator_actlimited: (model) => readEach(model.nu, (i) => model.actuator(i), "actlimited"),
  tendon_limited: (model) => readEach(model.ntendon, (i) => model.tendon(i), "_limited"),
  eq_active0: (model) => readEach(model.neq, (i) => model.eq(i), "active0"),
  // Not reachable at all; the compiler sets it exactly where the range is not [0, 0].
  jnt_actfrclimited: ({ njnt, jnt_actfrcrange: range }) =>
    Array.from({ length: njnt }, (_, i) => Number(range[2 * i] !== 0 || range[2 * i + 1] !== 0)),
};

type Element = { delete(): void };

function readEach(count: number, element: (i: number) => Element, field: string): number[] {
  return Array.from({ length: count }, (_, i) => {
    const handle = element(i);
    const value = (handle as unknown as Record<string, unknown>)[field];
    handle.delete();
    return Number(value);
  });
}

function readField(model: MjModel, field: string): unknown {
  const readBooleans = BOOLEAN_FIELDS[field];
  if (readBooleans) return readBooleans(model);
  if (field === "total_mass") return sum(model.body_mass as Float64Array);
  return plain((model as unknown as Record<string, unknown>)[field]);
}

/** From first to last, as the reference is summed. */
function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Typed arrays as lists without -0, which the reference's JSON cannot hold; the rest as it is. */
function plain(value: unknown): unknown {
  if (!ArrayBuffer.isView(value)) return value;
  return Array.from(value as unknown as number[], (number) => number + 0);
}

function readGroup(model: MjModel, group: string, names: readonly string[]): ModelFields {
  const sources: Record<string, unknown> = { sizes: model, option: model.opt, stat: model.stat };
  const source = sources[group] as Record<string, unknown>;
  return Object.fromEntries(names.map((name) => [name, plain(source[name])]));
}

/** The fields of `model` that `reference` has, in its form. */
export function readLike(model: MjModel, reference: ModelFields): ModelFields {
  return Object.fromEntries(
    Object.entries(reference).map(([field, expected]) => {
      const isGroup = typeof expected === "object" && !Array.isArray(expected);
      const names = isGroup ? Object.keys(expected as object) : [];
      return [field, isGroup ? readGroup(model, field, names) : readField(model, field)];
    }),
  );
}
