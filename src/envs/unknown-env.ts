import { distance } from "fastest-levenshtein";
import { RunError } from "../errors.ts";

/** The most ids that are named. */
const GUESSES = 3;

/** What to say of a name that no environment has: what was probably meant, or where to look. */
export function unknownEnv(name: string, ids: readonly string[]): RunError {
  return new RunError("ENV_UNKNOWN", `there is no environment "${name}"; ${advice(name, ids)}`);
}

function advice(name: string, ids: readonly string[]): string {
  if (/\.(xml|mjcf|urdf)$/i.test(name)) {
    return "a model alone is no task: write one around it, a .ts or .js file (docs/environments.md)";
  }
  if (/\.py$/i.test(name)) {
    return "an environment in another language is an actor's: external/NAME (examples/python-actor)";
  }
  if (/^\.{0,2}[/\\]/.test(name))
    return "a task of your own is named by its file: .ts, .js or .mjs";
  const guesses = guessesFor(name, ids).map((id) => `"${id}"`);
  if (guesses.length === 0) return "`troupe env list` shows those there are";
  return `did you mean ${guesses.join(" or ")}?`;
}

/** Ids that are nearly the same, with their suite or version or without; or else those that contain the name. */
function guessesFor(name: string, ids: readonly string[]): readonly string[] {
  const wanted = plain(name);
  if (wanted === "") return [];
  const tolerance = Math.max(2, Math.floor(wanted.length / 3));
  const ranked = ids
    .map((id) => ({ id, away: Math.min(...namesOf(id).map((known) => distance(wanted, known))) }))
    .toSorted((a, b) => a.away - b.away);
  const [best] = ranked;
  if (best && best.away <= tolerance) {
    const equal = ranked.filter(({ away }) => away === best.away);
    return equal.slice(0, GUESSES).map(({ id }) => id);
  }
  return ids.filter((id) => plain(id).includes(wanted)).slice(0, GUESSES);
}

/** `dm_control/cheetah-run` goes by `cheetah-run`, too, and `Ant-v5` by `Ant`. */
function namesOf(id: string): readonly string[] {
  const task = id.slice(id.indexOf("/") + 1);
  return [id, task, task.replace(/-v\d+$/, "")].map(plain);
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}
