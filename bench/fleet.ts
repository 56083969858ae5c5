/**
 * A fleet of simulated actors against a real learner, in a process of its own. Prints a line of JSON when it
 * begins to measure and one with what it found.
 *
 *     node bench/dist/bench/fleet.js --learner 127.0.0.1:7447 [--actors 64] [--hosts 4] [--name fleet]
 *                                    [--warm-up 2] [--seconds 10]
 *
 * Every actor is connected before the warm-up begins; what is counted is what became durable between the
 * end of the warm-up and the end of the time. SIGTERM ends it early.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Fleet } from "./fleet-actors.ts";
import { quantile, round } from "./results.ts";

const CONNECT_SECONDS = 60;

const { values } = parseArgs({
  options: {
    learner: { type: "string" },
    actors: { type: "string", default: "64" },
    hosts: { type: "string", default: "4" },
    name: { type: "string", default: "fleet" },
    "warm-up": { type: "string", default: "2" },
    seconds: { type: "string", default: "10" },
  },
});
if (values.learner === undefined) throw new Error("--learner HOST:PORT is missing");

const terminated = once(process, "SIGTERM");
const fleet = await Fleet.start({
  learner: values.learner,
  actors: Number(values.actors),
  hosts: Number(values.hosts),
  name: values.name,
});
const deadline = performance.now() + 1000 * CONNECT_SECONDS;
while (fleet.connected < fleet.actors.length && performance.now() < deadline) await sleep(20);
const connected = fleet.connected;
await sleep(1000 * Number(values["warm-up"]));

const before = fleet.actors.map(({ counts }) => counts.durableFrames);
const cpuBefore = process.cpuUsage();
fleet.latenciesMs.length = 0;
const start = performance.now();
// For whoever measures the learner meanwhile.
console.log(JSON.stringify({ event: "measuring", connected }));
await Promise.race([sleep(1000 * Number(values.seconds)), terminated]);
const seconds = (performance.now() - start) / 1000;
const cpu = process.cpuUsage(cpuBefore);
const perActor = fleet.actors.map(({ counts }, i) => counts.durableFrames - (before[i] ?? 0));
const latencies = fleet.latenciesMs.toSorted((a, b) => a - b);
const stillConnected = fleet.connected;
await fleet.stop();

console.log(
  JSON.stringify({
    actors: fleet.actors.length,
    connected,
    connected_at_end: stillConnected,
    seconds: round(seconds, 2),
    durable_frames: perActor.reduce((sum, frames) => sum + frames, 0),
    frames_per_second: round(perActor.reduce((sum, frames) => sum + frames, 0) / seconds),
    frames_per_actor: { least: Math.min(...perActor), most: Math.max(...perActor) },
    refused_frames: fleet.actors.reduce((sum, { counts }) => sum + counts.refusedFrames, 0),
    lost_sessions: fleet.actors.flatMap(({ counts }) => counts.losses).slice(0, 20),
    durable_after_ms: {
      median: round(quantile(latencies, 0.5), 2),
      p99: round(quantile(latencies, 0.99), 2),
    },
    cpu_seconds: round((cpu.user + cpu.system) / 1e6, 2),
    resident_megabytes: round(process.memoryUsage.rss() / 1e6),
  }),
);
process.exit(0);
