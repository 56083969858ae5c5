import { setTimeout } from "node:timers/promises";
import type { Command } from "@commander-js/extra-typings";
import { RunError } from "../errors.ts";
import type { ControlClient } from "../transport/control/control-client.ts";
import { wholeNumber } from "./arguments.ts";
import {
  type ConnectFlags,
  certsOption,
  controlTarget,
  insecureOption,
  learnerOption,
} from "./learner-address.ts";
import { type Look, statusText } from "./status-text.ts";

/** Updates are counted, not metered, so their rate takes two looks. */
const RATE_MS = 1_000;
const WATCH_MS = 2_000;

/** `troupe status`: a cluster at a glance. */
export function addStatusCommand(program: Command): void {
  program
    .command("status")
    .description("show a learner's actors, rates, and who waits for whom")
    .addOption(learnerOption())
    .option("--json", "print what the learner answers as JSON, at once")
    .option("--watch", "go on, every two seconds")
    .option("--timeout <ms>", "longest wait for an answer", wholeNumber(1), 5_000)
    .addOption(certsOption())
    .addOption(insecureOption())
    .addHelpText("after", "\nWith TLS it takes a certificate of the role viewer or admin.")
    .action(run);
}

interface StatusFlags extends ConnectFlags {
  readonly learner: string;
  readonly json?: true | undefined;
  readonly watch?: true | undefined;
}

async function run({ learner, json, watch, ...flags }: StatusFlags): Promise<void> {
  const target = controlTarget(learner, flags, ["viewer", "admin"]);
  const { ControlClient } = await import("../transport/control/control-client.ts");
  using client = new ControlClient(target);
  const before = await look(client);
  const print = json ? printJson : await painter(watch);
  if (json) print(before);
  if (json && !watch) return;
  await setTimeout(RATE_MS);
  const now = await look(client);
  print(now, before);
  if (watch) await follow(client, { now, print });
}

async function look(client: ControlClient): Promise<Look> {
  return { at: Date.now(), status: await client.status() };
}

type Print = (now: Look, before?: Look) => void;

/** Until somebody ends the process. A learner that is gone may come back. */
async function follow(client: ControlClient, first: { now: Look; print: Print }): Promise<never> {
  const { print } = first;
  let before = first.now;
  for (;;) {
    await setTimeout(WATCH_MS);
    try {
      const now = await look(client);
      print(now, before);
      before = now;
    } catch (thrown) {
      const error = RunError.from(thrown);
      if (error.code !== "LEARNER_LOST") throw error;
      console.error(error.message);
    }
  }
}

function printJson({ status }: Look): void {
  console.log(JSON.stringify(status, jsonSafe));
}

/** JSON has no infinities; as text they survive, as in the JSON of protocol buffers. */
function jsonSafe(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** Redraws in place if it goes on and can. */
async function painter(watch: true | undefined): Promise<Print> {
  if (!watch) return (now, before) => console.log(statusText(now, before));
  const { canRedraw } = await import("../metrics/progress.ts");
  if (!canRedraw(process.stdout))
    return (now, before) => console.log(`${statusText(now, before)}\n`);
  const { createLogUpdate } = await import("log-update");
  const draw = createLogUpdate(process.stdout, { showCursor: true });
  return (now, before) => draw(statusText(now, before));
}
