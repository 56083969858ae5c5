import { execFile, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { promisify } from "node:util";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { skipBecause } from "../../skip-because.ts";
import { NetHosts, type NetKind, whyNoHosts } from "./hosts.ts";

const run = promisify(execFile);
/** Answers what it is sent, and says so when it listens. */
const ECHO = `require("node:net").createServer((s) => s.pipe(s)).listen(7000, () => console.log("up"))`;
/** Sends a byte, prints the milliseconds until it is back, `times` times; then ends. */
const PING = `
const [host, times] = process.argv.slice(1);
const socket = require("node:net").connect(7000, host, () => send(Number(times)));
socket.setNoDelay(true);
function send(left) {
  if (left === 0) return socket.end();
  const start = performance.now();
  socket.once("data", () => { console.log(performance.now() - start); send(left - 1); });
  socket.write("x");
}`;

async function echoing(kind: NetKind): Promise<NetHosts> {
  const hosts = await NetHosts.up(2, kind);
  onTestFinished(() => hosts[Symbol.asyncDispose]());
  const [program, ...argv] = hosts.command(1, [process.execPath, "-e", ECHO]);
  const child = execFile(program, argv);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return hosts;
}

/** Of what never comes back; and of what does, on a busy machine. */
const [IN_VAIN_MS, LONG_MS] = [3_000, 20_000];

/** Round trips from h2 to h1 in milliseconds. */
async function roundTrips(hosts: NetHosts, times: number, timeout = LONG_MS): Promise<number[]> {
  const argv = [process.execPath, "-e", PING, "h1", String(times)];
  const [program, ...rest] = hosts.command(2, argv);
  const { stdout } = await run(program, rest, { timeout });
  return stdout.split("\n").filter(Boolean).map(Number);
}

function namespacesOfThisProcess(): string[] {
  const mine = `troupe${process.pid}-`;
  return readdirSync("/run/netns").filter((name) => name.startsWith(mine));
}

// Namespaces and processes are made one after another; a second or two on a busy machine.
describe.each(["bridge", "switch"] as const)("hosts on a %s", { timeout: 60_000 }, (kind) => {
  beforeEach((context) => {
    const reason = whyNoHosts(kind);
    if (reason) skipBecause(reason, context);
  });

  test("reach each other by name, and nothing is left of them", async () => {
    {
      await using hosts = await echoing(kind);
      expect((await roundTrips(hosts, 3)).length).toBe(3);
      expect(namespacesOfThisProcess().length).toBe(3);
    }
    expect(namespacesOfThisProcess()).toEqual([]);
  });

  test("without its cable a host is alone", async () => {
    const hosts = await echoing(kind);
    hosts.plug(1, "down");
    await expect(roundTrips(hosts, 1, IN_VAIN_MS)).rejects.toThrow();
    hosts.plug(1, "up");
    // The other host may remember for a moment that nobody answered.
    const again = await vi.waitFor(() => roundTrips(hosts, 1, IN_VAIN_MS), {
      timeout: 40_000,
      interval: 100,
    });
    expect(again.length).toBe(1);
  });
});

describe("a switch", { timeout: 60_000 }, () => {
  beforeEach((context) => {
    const reason = whyNoHosts("switch");
    if (reason) skipBecause(reason, context);
  });

  test("delays and cuts", async () => {
    const hosts = await echoing("switch");
    hosts.set({ delayMs: 25 });
    const times = await roundTrips(hosts, 5);
    for (const time of times) expect(time).toBeGreaterThan(49);
    hosts.set({ delayMs: 0, cut: true }, [1, 2]);
    await expect(roundTrips(hosts, 1, IN_VAIN_MS)).rejects.toThrow();
    hosts.set({ cut: false }, [1, 2]);
    expect((await roundTrips(hosts, 3)).length).toBe(3);
  });
});

test("what a killed process left behind goes when the next makes hosts", {
  timeout: 60_000,
}, async (context) => {
  const reason = whyNoHosts("bridge");
  if (reason) skipBecause(reason, context);
  // No process has this number: it is above the greatest there can be.
  const name = "troupe9999999-0-h1";
  spawnSync("ip", ["netns", "add", name]);
  await using hosts = await NetHosts.up(1, "bridge");
  expect(hosts.count).toBe(1);
  expect(readdirSync("/run/netns")).not.toContain(name);
});
