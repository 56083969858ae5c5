import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { skipBecause } from "../skip-because.ts";
import { audit } from "./audit.ts";
import { REPLAY, SMALL_SETTINGS } from "./campaign.ts";
import { NetHosts, whyNoHosts } from "./net/hosts.ts";
import { TroupeProcess } from "./troupe-process.ts";

/** Far below what waits and retransmissions of TCP add up to after a partition of some seconds. */
const RECOVERY_MS = 30_000;
const OUTAGE_MS = 4_000;

interface ActorMachine {
  readonly journal: string;
  readonly process: TroupeProcess;
}

/** A learner on h1 and an actor host on each of the others, as on machines of their own. */
function startEverywhere(hosts: NetHosts, folder: string) {
  const learner = new TroupeProcess({
    argv: [
      ...["learner", "PointMass-v0", "--name", "run", "--run-dir", join(folder, "runs")],
      ...["--listen", `${hosts.address(1)}:7447`, "--insecure", "--no-progress"],
      ...["--log-format", "json"],
      ...Object.entries(SMALL_SETTINGS).flatMap(([path, value]) => ["--set", `${path}=${value}`]),
    ],
    logFile: join(folder, "learner.log"),
    prefix: hosts.command(1, []),
  });
  const machines = Array.from({ length: hosts.count - 1 }, (_, i): ActorMachine => {
    const name = `h${i + 2}`;
    const journal = join(folder, `${name}.journal`);
    const process = new TroupeProcess({
      argv: [
        ...["actor", "--learner", "h1:7447", "--insecure", "--host-id", name, "--workers", "1"],
        ...["--journal", journal, "--log-format", "json"],
      ],
      logFile: join(folder, `${name}.log`),
      prefix: hosts.command(i + 2, []),
    });
    return { journal, process };
  });
  onTestFinished(async () => {
    const processes = [learner, ...machines.map(({ process }) => process)];
    await Promise.all(processes.map((process) => process.end()));
  });
  return { learner, machines };
}

async function untilMore(machines: readonly ActorMachine[], limitMs: number): Promise<void> {
  const size = ({ journal }: ActorMachine): number =>
    statSync(journal, { throwIfNoEntry: false })?.size ?? 0;
  const before = machines.map(size);
  const deadline = performance.now() + limitMs;
  while (!machines.every((machine, i) => size(machine) > (before[i] ?? 0) + 120)) {
    if (performance.now() > deadline) {
      throw new Error(machines.map(({ process }) => process.tail).join("\n---\n"));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("machines of their own survive a pulled cable, a slow and lossy way, and a split network", {
  // Processes on three hosts, and outages of some seconds each.
  timeout: 180_000,
}, async (context) => {
  const reason = whyNoHosts("switch");
  if (reason) skipBecause(reason, context);
  const folder = mkdtempSync(join(tmpdir(), "troupe-hosts-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "runs"));
  await using hosts = await NetHosts.up(3, "switch");
  const { learner, machines } = startEverywhere(hosts, folder);
  await untilMore(machines, 60_000);

  hosts.set({ delayMs: 20, jitterMs: 5, loss: 0.02 });
  await untilMore(machines, RECOVERY_MS);
  hosts.set({ delayMs: 0, jitterMs: 0, loss: 0 });

  hosts.plug(2, "down");
  await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
  // Who has its cable goes on meanwhile.
  await untilMore(machines.slice(1), RECOVERY_MS);
  hosts.plug(2, "up");
  await untilMore(machines, RECOVERY_MS);

  hosts.set({ cut: true });
  await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
  hosts.set({ cut: false });
  await untilMore(machines, RECOVERY_MS);

  for (const { process } of machines) expect((await process.stop()).code, process.tail).toBe(75);
  expect((await learner.stop()).code, learner.tail).toBe(75);
  const journals = machines.map(({ journal }) => journal);
  const result = audit({ run: join(folder, "runs", "run"), journals, replay: REPLAY });
  expect(result.problems).toEqual([]);
  expect(result.reportedDurable).toBeGreaterThan(100);
});
