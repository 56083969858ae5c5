import { existsSync, statSync } from "node:fs";
import { AppendFile } from "./append-file.ts";

export interface MonitorEpisode {
  /** Sum of raw rewards. */
  readonly return: number;
  /** Steps. */
  readonly length: number;
  /** Unix time in seconds when it ended. */
  readonly time: number;
}

/**
 * `monitor/<actor>.monitor.csv`: every training episode of one actor, as Stable-Baselines3's Monitor
 * writes it, `#{json}` and then r,l,t with t in seconds since t_start.
 */
export class MonitorCsvWriter implements Disposable {
  readonly #file: AppendFile;
  readonly #start: number;
  /** The head of a new file, until it is written with the first row. */
  #head: string;

  /** @param start Unix time in seconds that the run began at; the same after a resume. */
  constructor(path: string, envId: string, start: number) {
    this.#start = start;
    const isNew = !existsSync(path) || statSync(path).size === 0;
    this.#file = new AppendFile(path);
    this.#head = isNew ? `#${JSON.stringify({ t_start: start, env_id: envId })}\nr,l,t\n` : "";
  }

  /** @throws RunError DISK_FULL */
  write(episode: MonitorEpisode): void {
    const seconds = (episode.time - this.#start).toFixed(6);
    this.#file.append(`${this.#head}${episode.return},${episode.length},${seconds}\n`);
    this.#head = "";
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
