/**
 * Runs a benchmark and keeps what it prints, with the command, the commit, the machine, and how busy it was.
 *
 *     node bench/dist/bench/record.js NAME COMMAND...      writes bench/results/NAME.json
 */
import { spawnSync } from "node:child_process";
import { loadavg } from "node:os";
import { machine, round, source, writeResult } from "./results.ts";

const [name, ...command] = process.argv.slice(2);
const [program, ...argv] = command;
if (name === undefined || program === undefined) throw new Error("usage: record NAME COMMAND...");

// Over one minute. Before: what else ran, 0 on a quiet machine.
const load = () => round(loadavg()[0] ?? Number.NaN, 2);
const before = { started: new Date().toISOString(), load_average_before: load() };
const start = performance.now();
const { status, signal, stdout, error } = spawnSync(program, argv, {
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
});
if (status !== 0) throw new Error(`${program} ended with ${status ?? signal}`, { cause: error });
writeResult(`${name}.json`, {
  command: command.join(" "),
  ...source(),
  ...machine(),
  ...before,
  seconds: round((performance.now() - start) / 1000),
  load_average_after: load(),
  result: JSON.parse(stdout) as object,
});
