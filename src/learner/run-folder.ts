import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { configYaml } from "../config/show.ts";
import { RunError } from "../errors.ts";
import {
  replaceDurable,
  systemCode,
  temporaryPrefix,
  writeFailure,
} from "../storage/durable-files.ts";
import { RunLock } from "../storage/run-lock.ts";
import {
  encodeRunInfo,
  newRunInfo,
  type RunChange,
  type RunInfo,
  type RunStart,
  readRunInfo,
  runName,
  runPaths,
} from "./run-info.ts";
import { readSourceState, type SourceState } from "./source-state.ts";

/** A run's folder, locked for as long as it is open. */
export class RunFolder implements Disposable {
  readonly path: string;
  readonly paths: ReturnType<typeof runPaths>;
  readonly #lock: RunLock;
  #info: RunInfo;

  private constructor(path: string, lock: RunLock, info: RunInfo) {
    this.path = path;
    this.paths = runPaths(path);
    this.#lock = lock;
    this.#info = info;
  }

  /**
   * Makes the folder of a new run, complete or not at all.
   * @throws RunError RUN_EXISTS
   */
  static create(start: RunStart): RunFolder {
    const path = resolve(start.config.run.dir, runName(start.config, start.now));
    if (existsSync(path)) throw runExists(path);
    const unfinished = join(dirname(path), `${temporaryPrefix}${basename(path)}-${process.pid}`);
    try {
      const info = fill(unfinished, basename(path), start);
      renameSync(unfinished, path);
      return RunFolder.#open(path, info);
    } catch (thrown) {
      rmSync(unfinished, { recursive: true, force: true });
      if (["ENOTEMPTY", "EEXIST"].includes(systemCode(thrown) ?? "")) throw runExists(path);
      throw writeFailure(`cannot make the run folder ${path}`, thrown);
    }
  }

  /**
   * Opens the folder of a run that goes on, with what `start` has new: configuration and command line.
   * @throws RunError RUN_LOCKED while another process uses it, RUN_NOT_FOUND when it is no run folder.
   */
  static resume(path: string, start: RunStart): RunFolder {
    const before = readRunInfo(path);
    const lock = RunLock.acquire(path);
    const { id, createdAt, envSteps, learnerSteps, episodes, best } = before;
    const source = readSourceState(process.cwd());
    const info = newRunInfo(id, start, source);
    replaceDurable(runPaths(path).config, configYaml(start.config));
    writeDiff(runPaths(path).diff, source);
    const progress = { createdAt, envSteps, learnerSteps, episodes, best };
    return RunFolder.#open(path, { ...info, ...progress }, lock);
  }

  static #open(path: string, info: RunInfo, lock = RunLock.acquire(path)): RunFolder {
    const folder = new RunFolder(path, lock, { ...info, term: lock.term });
    folder.update({ status: "running" }, new Date(info.startedAt));
    return folder;
  }

  /** Numbers the starts of a learner on this run, from 1. */
  get term(): number {
    return this.#lock.term;
  }

  get info(): RunInfo {
    return this.#info;
  }

  /**
   * Asked before anything is written.
   * @throws RunError RUN_LOCKED when a later learner has taken the folder over.
   */
  checkLock(): void {
    this.#lock.check();
  }

  /** Replaces run.json. @throws RunError RUN_LOCKED, DISK_FULL */
  update(change: RunChange, now = new Date()): void {
    this.checkLock();
    this.#info = { ...this.#info, ...change, updatedAt: now.toISOString() };
    try {
      replaceDurable(this.paths.info, encodeRunInfo(this.#info));
    } catch (thrown) {
      throw writeFailure(`writing ${this.paths.info}`, thrown);
    }
  }

  /** Whether anything has been recorded in it: without, it is of no use to anybody. */
  get hasBegun(): boolean {
    return existsSync(this.paths.metrics);
  }

  /** Removes the folder of a run that could not begin, so that its name is free again. */
  discard(): void {
    this.checkLock();
    rmSync(this.path, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}

/** Makes the folder and what a run has from the start. */
function fill(folder: string, name: string, start: RunStart): RunInfo {
  const paths = runPaths(folder);
  rmSync(folder, { recursive: true, force: true });
  for (const inside of [paths.tensorboard, dirname(paths.monitor(0)), paths.checkpoints]) {
    mkdirSync(inside, { recursive: true });
  }
  const source = readSourceState(process.cwd());
  const info = newRunInfo(name, start, source);
  writeFileSync(paths.info, encodeRunInfo(info));
  writeFileSync(paths.config, configYaml(start.config));
  writeDiff(paths.diff, source);
  return info;
}

/** git.diff is of the last start; a clean tree leaves none. */
function writeDiff(path: string, source: SourceState | undefined): void {
  if (source && source.diff !== "") writeFileSync(path, source.diff);
  else rmSync(path, { force: true });
}

function runExists(path: string): RunError {
  return new RunError(
    "RUN_EXISTS",
    `${path} already exists; go on with it by --resume ${basename(path)}, or choose another --name`,
  );
}
