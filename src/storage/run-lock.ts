import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { RunError } from "../errors.ts";
import { isDiskFull, replaceDurable, systemCode } from "./durable-files.ts";

/** How often a holder shows that it lives, and the silence after which one elsewhere counts as dead. */
const BEAT_MS = 10_000;
const SILENCE_MS = 60_000;

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Tells a process from a later one with its number, as after a container's restart; 0 if unknown. */
  readonly processStart: number;
  readonly released: boolean;
}

/**
 * Who may write to a run folder.
 *
 * Each start of a learner takes a number, its term, by making the file `terms/<term>.json`, which only one
 * can. The greatest term holds the lock. A holder that is cut off, on a node that was lost to the
 * cluster but goes on, finds out by `check`, which everything asks before it writes.
 */
export class RunLock implements Disposable {
  readonly term: number;
  readonly #folder: string;
  readonly #beat: NodeJS.Timeout;

  private constructor(folder: string, term: number) {
    this.#folder = folder;
    this.term = term;
    this.#beat = setInterval(() => this.#touch(), BEAT_MS);
    this.#beat.unref();
  }

  /** @throws RunError RUN_LOCKED while another process that lives holds the folder. */
  static acquire(runFolder: string): RunLock {
    const folder = join(runFolder, "terms");
    mkdirSync(folder, { recursive: true });
    const last = lastTerm(folder);
    if (last > 0 && isAlive(folder, last)) throw lockedBy(folder, last);
    const term = last + 1;
    try {
      writeFileSync(termFile(folder, term), encode(holderHere("held")), {
        flag: "wx",
        flush: true,
      });
    } catch (thrown) {
      if (systemCode(thrown) === "EEXIST") throw lockedBy(folder, term);
      throw thrown;
    }
    forget(folder, term - 1);
    return new RunLock(folder, term);
  }

  /** @throws RunError RUN_LOCKED when a later learner has taken the folder over. */
  check(): void {
    checkTermIn(this.#folder, this.term);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#beat);
    // The run folder may have been removed meanwhile, as tests and impatient people do.
    if (!existsSync(this.#folder)) return;
    try {
      replaceDurable(termFile(this.#folder, this.term), encode(holderHere("released")));
    } catch (thrown) {
      // Without room for it the lock is held until this process ends, which is soon.
      if (!isDiskFull(thrown)) throw thrown;
    }
  }

  #touch(): void {
    try {
      const now = new Date();
      utimesSync(termFile(this.#folder, this.term), now, now);
    } catch (thrown) {
      // The folder was removed, or a later term tidied up: `check` is there to tell.
      if (systemCode(thrown) !== "ENOENT") throw thrown;
    }
  }
}

/**
 * `RunLock.check` for a thread that was only told the term.
 * @throws RunError RUN_LOCKED when a later learner has taken the run folder over.
 */
export function checkTerm(runFolder: string, term: number): void {
  checkTermIn(join(runFolder, "terms"), term);
}

function checkTermIn(folder: string, term: number): void {
  const last = lastTerm(folder);
  if (last > term) throw lockedBy(folder, last);
}

/** Whether some process is writing to the folder now. */
export function isLocked(runFolder: string): boolean {
  const folder = join(runFolder, "terms");
  const last = lastTerm(folder);
  return last > 0 && isAlive(folder, last);
}

function lastTerm(folder: string): number {
  try {
    return Math.max(
      0,
      ...readdirSync(folder)
        .flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? [])
        .map(Number),
    );
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return 0;
    throw thrown;
  }
}

function isAlive(folder: string, term: number): boolean {
  const holder = readHolder(folder, term);
  // One that cannot be read was cut off while it was made, so its learner never began.
  if (holder === undefined || holder.released) return false;
  if (holder.host !== hostname()) {
    return Date.now() - statSync(termFile(folder, term)).mtimeMs < SILENCE_MS;
  }
  return isRunning(holder.pid) && holder.processStart === processStart(holder.pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return systemCode(thrown) === "EPERM";
  }
  // A zombie answers signals, but it has ended: nobody has asked how. Init may never ask in a container.
  return !["Z", "X"].includes(processStat(pid)[0] ?? "");
}

/** Field 22 of /proc/PID/stat: when the process began, in clock ticks since the machine did. */
function processStart(pid: number): number {
  return Number(processStat(pid)[19] ?? 0);
}

/** /proc/PID/stat from field 3, the state, on; empty where there is no such file. */
function processStat(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    // Not Linux, or gone: then the process number alone has to do.
    return [];
  }
}

function holderHere(state: "held" | "released"): Holder {
  const { pid } = process;
  return { pid, host: hostname(), processStart: processStart(pid), released: state === "released" };
}

function readHolder(folder: string, term: number): Holder | undefined {
  try {
    return JSON.parse(readFileSync(termFile(folder, term), "utf8")) as Holder;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function lockedBy(folder: string, term: number): RunError {
  const holder = readHolder(folder, term);
  const who = holder ? `process ${holder.pid} on ${holder.host}` : "another process";
  return new RunError(
    "RUN_LOCKED",
    `${folder.replace(/.terms$/, "")} is in use by ${who}; stop it first`,
  );
}

/** Earlier terms have nothing to say any more. */
function forget(folder: string, upTo: number): void {
  for (let term = upTo; term > 0; term--) {
    try {
      unlinkSync(termFile(folder, term));
    } catch (thrown) {
      if (systemCode(thrown) === "ENOENT") return;
      throw thrown;
    }
  }
}

function termFile(folder: string, term: number): string {
  return join(folder, `${term}.json`);
}

function encode(holder: Holder): string {
  return `${JSON.stringify(holder)}\n`;
}
