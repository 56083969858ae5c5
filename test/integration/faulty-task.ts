import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Statements put into the task's methods; `total` counts the steps of its thread. */
export interface Faults {
  /** After a step: may change `observation` and `reward`. */
  readonly step?: string;
  readonly reset?: string;
  /** Before an environment is made; `made` counts those of its thread. */
  readonly make?: string;
  /** Replaces the action space. */
  readonly actionSpace?: string;
}

/**
 * Writes a file that defines a task with faults, as a user's would: a point on a line is to be moved to
 * the middle, episodes are of 20 steps. `once(name)` is true the first time any thread asks.
 */
export function writeFaultyTask(folder: string, name: string, faults: Faults): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `
import { mkdirSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const box = (size) => ({
  kind: "box",
  size,
  low: new Float32Array(size).fill(-1),
  high: new Float32Array(size).fill(1),
});

function once(name) {
  try {
    mkdirSync(${JSON.stringify(file)} + "." + name);
    return true;
  } catch {
    return false;
  }
}

let total = 0;
let made = 0;

export function env() {
  made += 1;
  ${faults.make ?? ""};
  let t = 0;
  let x = 0;
  return {
    id: "${name}",
    observationSpace: box(1),
    actionSpace: ${faults.actionSpace ?? "box(1)"},
    maxEpisodeSteps: 20,
    reset() {
      t = 0;
      x = 0.5;
      ${faults.reset ?? ""};
      return { observation: Float64Array.of(x), info: {} };
    },
    step(action) {
      t += 1;
      total += 1;
      x = Math.max(-1, Math.min(1, x + 0.25 * action[0]));
      let observation = Float64Array.of(x);
      let reward = -x * x;
      ${faults.step ?? ""};
      return { observation, reward, terminated: false, truncated: t === 20, info: {} };
    },
    close() {},
  };
}
`,
  );
  return file;
}
