import { randomBytes } from "node:crypto";
import { type Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { formatAddress, parseAddress } from "../config/address.ts";
import { readMachine } from "../config/machine.ts";
import { RunError } from "../errors.ts";
import { openLog } from "../metrics/log.ts";
import { ActorHost } from "../run/actor-host.ts";
import { defaultHostName, type HostName } from "../run/actor-host-name.ts";
import { ActorHostReport } from "../run/actor-host-report.ts";
import { connectPolicy, type TlsIdentity } from "../transport/tls.ts";
import { DEFAULT_OUTBOX } from "../transport/uplink/outbox.ts";
import { wholeNumber } from "./arguments.ts";
import { CommandExit, errorText, exitCodes } from "./exit.ts";
import { certsOption, insecureOption, learnerOption } from "./learner-address.ts";
import { logFormatOption, logLevelOption } from "./log-flags.ts";
import { StopSignals } from "./stop-signals.ts";

/** `troupe actor`. */
export function addActorCommand(program: Command): void {
  withActorFlags(program.command("actor")).addHelpText("after", HELP).action(run);
}

function withActorFlags(command: Command) {
  return command
    .description("act for a learner, from any machine, until its run is complete")
    .addOption(learnerOption().env("TROUPE_LEARNER"))
    .option("--workers <n>", "actor threads; auto: one for each usable CPU", workerCount, "auto")
    .option("--host-id <name>", "name of this host (default: see below)", hostId)
    .addOption(certsOption().env("TROUPE_CERTS"))
    .addOption(insecureOption())
    .option("--metrics <host:port>", "address of the Prometheus metrics; off: none", "127.0.0.1:0")
    .option(
      "--outbox-frames <n>",
      "unrolls each actor may have waiting to be sent",
      wholeNumber(1),
      DEFAULT_OUTBOX.maxFrames,
    )
    .addOption(
      new Option("--outbox-policy <policy>", "what happens when they do")
        .choices(["pause", "drop-oldest"] as const)
        .default(DEFAULT_OUTBOX.policy),
    )
    .option("--policy-interval <seconds>", "least time between two new policies", seconds, 0)
    .option(
      "--give-up-after <seconds>",
      "longest time without a learner; 0: wait for ever",
      seconds,
      600,
    )
    .option("--journal <file>", "append a JSON line for each unroll that the learner has for good")
    .option("--no-progress", "show no progress")
    .addOption(logFormatOption)
    .addOption(logLevelOption);
}

type ActorFlags = ReturnType<ReturnType<typeof withActorFlags>["opts"]>;

const HELP = `
It may be started before the learner, and goes on by itself after broken connections and restarts of the
learner. The first Ctrl-C sends what is left and says goodbye, the second ends at once.
Exit codes: 0 the run is complete, 75 stopped, or no learner for --give-up-after (run me again),
1 refused by the learner, or a later process has this one's name.

A host that starts under the name of another takes its slots over, and the other one ends. Without --host-id it
is slurm-JOB[_ELEMENT]-RANK in a Slurm task, else MACHINE-N with the least N that no other host on this machine
has. A second host in one Slurm task needs a name of its own.

--journal writes {"slot","incarnation","sequence","steps","checksum"} when the learner reports an unroll
durable, and the same with "refused" and the reason for one that it will not have.`;

async function run(flags: ActorFlags): Promise<void> {
  const { stderr } = process;
  const log = openLog({ format: flags.logFormat, level: flags.logLevel, stream: stderr });
  const warn = (message: string): void => log.warn(message);
  const learner = learnerOf(flags, warn);
  using name = hostNameOf(flags);
  using signals = new StopSignals((text) => stderr.write(`${text}\n`), "sending what is left");
  await using report = await ActorHostReport.open({
    log,
    hostId: name.name,
    ...metricsOf(flags.metrics),
    ...(flags.progress ? { progress: (line) => void stderr.write(`${line}\n`) } : {}),
  });
  await using host = new ActorHost({
    ...learner,
    workers: flags.workers === "auto" ? readMachine().cpus : flags.workers,
    hostId: name.name,
    instance: randomBytes(16),
    registry: report.registry,
    onEvent: report.onEvent,
    outbox: {
      ...DEFAULT_OUTBOX,
      maxFrames: flags.outboxFrames,
      policy: flags.outboxPolicy,
    },
    policyIntervalMs: 1000 * flags.policyInterval,
    giveUpAfterMs: flags.giveUpAfter === 0 ? Infinity : 1000 * flags.giveUpAfter,
    ...(flags.journal === undefined ? {} : { journal: flags.journal }),
  });
  report.watch(host);
  const outcome = await host.run(signals.signal).catch(endingWith);
  const { envSteps, durableUnrolls } = host.status;
  console.log(`${name.name}: ${envSteps} environment steps, ${durableUnrolls} unrolls delivered`);
  if (outcome === "stopped") throw new CommandExit(signals.exitCode ?? exitCodes.again);
}

/** A learner that stays away is a reason to be started again, later or elsewhere. */
function endingWith(thrown: unknown): never {
  if (RunError.from(thrown).code !== "LEARNER_LOST") throw thrown;
  console.error(errorText(thrown));
  throw new CommandExit(exitCodes.again);
}

/** @throws RunError CONFIG_INVALID */
function learnerOf(
  { learner, certs, insecure }: ActorFlags,
  warn: (message: string) => void,
): { learner: string; tls: TlsIdentity | undefined } {
  if (learner.startsWith("unix:")) return { learner, tls: undefined };
  const address = parseAddress(learner, "--learner");
  const tls = connectPolicy({ host: address.host, certs, insecure, roles: ["actor"] }, { warn });
  return { learner: formatAddress(address), tls };
}

function hostNameOf(flags: ActorFlags): HostName {
  if (flags.hostId === undefined) return defaultHostName();
  return { name: flags.hostId, [Symbol.dispose]() {} };
}

function metricsOf(text: string) {
  return text === "off" ? {} : { metrics: parseAddress(text, "--metrics") };
}

function workerCount(text: string): number | "auto" {
  return text === "auto" ? text : wholeNumber(1)(text);
}

/** As long as the learner takes names. */
function hostId(text: string): string {
  if (/^[^\s\p{C}]{1,200}$/u.test(text)) return text;
  throw new InvalidArgumentError("It must be 1 to 200 characters without spaces.");
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0 && text.trim() !== "") return value;
  throw new InvalidArgumentError("It must be a number of seconds, 0 or more.");
}
