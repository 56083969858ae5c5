import type { MainModule, MjModel } from "@mujoco/mujoco";
import { didYouMean } from "../../config/nearest.ts";
import { RunError } from "../../errors.ts";

/** What a model names and a task looks up. */
export type PartKind = "joint" | "body" | "geom" | "site" | "sensor";

/** The index of the part with this name. @throws RunError ENV_FAILED naming the nearest one. */
export function findPart(
  { module, model }: { readonly module: MainModule; readonly model: MjModel },
  kind: PartKind,
  name: string,
): number {
  const { type, count } = describeKind(module, model, kind);
  const index = module.mj_name2id(model, type, name);
  if (index >= 0) return index;
  const names = Array.from({ length: count }, (_, i) => module.mj_id2name(model, type, i));
  const named = names.filter((other) => other);
  const known = named.length === 0 ? `it names no ${kind}` : `it has ${list(named)}`;
  throw new RunError(
    "ENV_FAILED",
    `the model has no ${kind} "${name}"${didYouMean(name, named)}; ${known}`,
  );
}

/** The first names; a robot may have hundreds. */
function list(names: readonly string[], most = 20): string {
  const more = names.length > most ? ` and ${names.length - most} more` : "";
  return names.slice(0, most).join(", ") + more;
}

function describeKind(
  { mjtObj }: MainModule,
  model: MjModel,
  kind: PartKind,
): { readonly type: number; readonly count: number } {
  switch (kind) {
    case "joint":
      return { type: mjtObj.mjOBJ_JOINT.value, count: model.njnt };
    case "body":
      return { type: mjtObj.mjOBJ_BODY.value, count: model.nbody };
    case "geom":
      return { type: mjtObj.mjOBJ_GEOM.value, count: model.ngeom };
    case "site":
      return { type: mjtObj.mjOBJ_SITE.value, count: model.nsite };
    case "sensor":
      return { type: mjtObj.mjOBJ_SENSOR.value, count: model.nsensor };
  }
}
