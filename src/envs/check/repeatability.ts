import type { Finding, Findings, Severity } from "./finding.ts";
import { difference, follow, type Probe, type Row, record } from "./probe.ts";

export interface Pair {
  readonly probe: Probe;
  /** Another instance of the same environment. */
  readonly twin: Probe;
  readonly actions: readonly Float32Array[];
}

const SEED = 7;

/** Whether the same seed and actions give the same numbers, whatever came before, and nothing is shared. */
export function checkRepeatability(pair: Pair, findings: Findings): void {
  const repeats = checkDeterminism(pair, findings);
  const isAliased = checkIndependence(pair, findings);
  // Numbers that change anyhow say nothing about what follows.
  if (repeats && !isAliased) checkInterference(pair, findings);
  checkSeeds(pair, findings);
  if (repeats) checkSnapshots(pair, findings);
}

/** @returns Whether nothing was found. */
function checkDeterminism({ probe, twin, actions }: Pair, findings: Findings): boolean {
  const first = record(probe, SEED, actions);
  const sources = [
    ["another instance gives other numbers", () => record(twin, SEED, actions)],
    ["a second time gives other numbers", () => record(probe, SEED, actions)],
    [
      "after another history a reset with the same seed gives other numbers",
      () => {
        record(probe, SEED + 1, actions.slice(0, Math.ceil(actions.length / 3)));
        return record(probe, SEED, actions);
      },
    ],
  ] as const;
  for (const [what, repeat] of sources) {
    const found = difference(first, repeat());
    if (found === undefined) continue;
    const fix =
      "draw every random number from a stream that reset({ seed }) starts anew, and let reset set all of the state";
    add(findings, ["error", "determinism", what], {
      what: `${what}: ${found.what}`,
      where: { seed: SEED, step: found.step },
      fix,
    });
    // What follows would say the same again.
    return false;
  }
  return true;
}

/** Whether an instance goes on as it does alone while another one lives between its steps. */
function checkInterference({ probe, twin, actions }: Pair, findings: Findings): void {
  const alone = record(probe, SEED, actions);
  const among: Row[] = [...record(probe, SEED, [])];
  twin.reset(SEED + 1);
  for (const action of actions) {
    among.push(...follow(probe, [action]));
    follow(twin, [action]);
  }
  const found = difference(alone, among);
  if (found === undefined) return;
  add(findings, ["error", "independence", "interferes"], {
    what: `steps of another instance change what follows: ${found.what}`,
    where: { seed: SEED, step: found.step },
    fix: "keep all state in the instance: several live in one thread",
  });
}

/** @returns Whether instances were found to share an array. */
function checkIndependence({ probe, twin, actions }: Pair, findings: Findings): boolean {
  const mine = probe.reset(SEED).observation;
  const kept = mine.slice();
  const other = twin.reset(SEED + 1).observation;
  const action = actions[0];
  if (action) twin.take(action);
  const shared = mine === other || (mine.buffer !== undefined && mine.buffer === other.buffer);
  const changed = mine.some((value, i) => !Object.is(value, kept[i]));
  // Views into one heap, such as the engine's, share a buffer and are fine while they do not overlap.
  if (!changed && !(shared && mine.byteOffset === other.byteOffset)) return false;
  add(findings, ["error", "independence", "aliased"], {
    what: "two instances give the same array: a step of one changes what the other has given",
    where: twin.where,
    fix: "make buffers in the factory, not at the top of the file",
  });
  return true;
}

function checkSeeds({ probe }: Pair, findings: Findings): void {
  const start = probe.reset(SEED).observation.slice();
  const equal = (other: ArrayLike<number>) => start.every((value, i) => Object.is(value, other[i]));
  const others = [1, 2, 3].map((offset) => probe.reset(SEED + offset).observation.slice());
  if (others.every(equal)) {
    add(findings, ["note", "seeds", "same start"], {
      what: "every seed starts an episode with the same observation",
      where: { seed: SEED, step: 0 },
      fix: "fine if that is meant; a policy learns more from varied starts",
    });
    return;
  }
  probe.reset(SEED);
  const next = [1, 2, 3].map(() => probe.reset().observation.slice());
  if (!next.every(equal)) return;
  add(findings, ["warning", "seeds", "stuck"], {
    what: "a reset without a seed starts the same episode again",
    where: { seed: SEED, step: 0 },
    fix: "let the random stream go on when reset is given no seed",
  });
}

function checkSnapshots(pair: Pair, findings: Findings): void {
  const { env } = pair.probe;
  if (env.snapshot === undefined && env.restore === undefined) {
    add(findings, ["note", "snapshot", "none"], {
      what: "there is no snapshot() and restore()",
      where: null,
      fix: "they are needed for --set deterministic=true, and make failures repeatable",
    });
    return;
  }
  if (env.snapshot === undefined || env.restore === undefined) {
    const missing = env.snapshot ? "restore" : "snapshot";
    add(findings, ["error", "snapshot", "half"], {
      what: `there is no ${missing}()`,
      where: null,
      fix: "offer both or neither",
    });
    return;
  }
  compareRestored(pair, findings);
}

function compareRestored({ probe, twin, actions }: Pair, findings: Findings): void {
  const half = Math.ceil(actions.length / 2);
  const before = actions.slice(0, half);
  const after = actions.slice(half);
  record(probe, SEED, before);
  const undisturbed = follow(probe, after);
  record(probe, SEED, before);
  const { where } = probe;
  try {
    const text = JSON.stringify(probe.env.snapshot?.());
    const expected = follow(probe, after);
    const moved = difference(undisturbed, expected);
    if (moved) {
      add(findings, ["error", "snapshot", "moves"], {
        what: `snapshot() changes what follows: ${moved.what}`,
        where: { seed: SEED, step: half + moved.step },
        fix: "only read in snapshot()",
      });
    }
    twin.reset(SEED + 5);
    twin.env.restore?.(JSON.parse(text) as Record<string, unknown>);
    const found = difference(expected, follow(twin, after));
    if (!found) return;
    add(findings, ["error", "snapshot", "inexact"], {
      what: `restored in another instance, through JSON, it goes on differently: ${found.what}`,
      where: { seed: SEED, step: half + found.step },
      fix: "save all that a step or reset reads: state, elapsed steps, the random stream; JSON has no -0, NaN or typed arrays",
    });
  } catch (thrown) {
    add(findings, ["error", "snapshot", "throws"], {
      what: `snapshot and restore threw: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      where,
      fix: "a snapshot is a plain object that JSON can hold",
    });
  }
}

function add(
  findings: Findings,
  [severity, check, kind]: readonly [Severity, string, string],
  rest: Pick<Finding, "what" | "where" | "fix">,
): void {
  findings.add(kind, { severity, check, ...rest });
}
