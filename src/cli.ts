#!/usr/bin/env node
import "./no-telemetry.ts";
import { main } from "./cli/program.ts";

// `troupe … | head` closes the pipe early: there is nobody left to write for, and nothing is wrong.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});
// A run does not depend on somebody looking on: its log is in its folder, too.
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

// Node's code for a wait that nothing can end.
process.once("exit", (code) => {
  // Node 20 sets it while it tells of the exit.
  if (code !== 13 && process.exitCode !== 13) return;
  console.error(
    "error: it waits for something that never comes: look for a promise in an environment's or plugin's file that " +
      "nobody settles",
  );
});

process.exitCode = await main(process.argv.slice(2));

/** A connection that a library is still making must not keep a command that is done. */
const LINGER_MS = 2_000;
setTimeout(() => process.exit(), LINGER_MS).unref();
