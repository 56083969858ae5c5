import { type Command, Option } from "@commander-js/extra-typings";
import { RunError } from "../errors.ts";
import { wholeNumber } from "./arguments.ts";
import { CommandExit, exitCodes } from "./exit.ts";
import {
  type ConnectFlags,
  certsOption,
  controlTarget,
  insecureOption,
} from "./learner-address.ts";
import { runDirOption } from "./run-argument.ts";

/** `troupe health`: for container probes and people. Loads no more than its way of asking needs. */
export function addHealthCommand(program: Command): void {
  program
    .command("health")
    .description(
      "ask a run, a learner or an actor host whether it makes progress; exit 0 if so, else 1",
    )
    .argument("[run]", "a run: its name, its folder, or latest", "latest")
    .addOption(
      new Option("--url <url>", "address of its metrics instead, such as http://127.0.0.1:9100"),
    )
    .addOption(
      new Option("--address <host:port>", "a learner's gRPC address instead").conflicts("url"),
    )
    .option("--service <name>", "with --address: the service, such as troupe.v1.ActorService", "")
    .option("--timeout <ms>", "longest wait for an answer", wholeNumber(1), 5_000)
    .addOption(certsOption())
    .addOption(insecureOption())
    .addOption(runDirOption)
    .action(run);
}

interface HealthFlags extends ConnectFlags {
  readonly url?: string | undefined;
  readonly address?: string | undefined;
  readonly service: string;
  readonly runDir: string;
}

interface Answer {
  readonly ok: boolean;
  readonly report: string;
}

async function run(name: string, flags: HealthFlags): Promise<void> {
  const { address, url, timeout } = flags;
  const { ok, report } =
    address !== undefined
      ? await askGrpc(address, flags)
      : url !== undefined
        ? await askHttp(url, timeout)
        : await askRun(name, flags);
  console.log(report);
  if (!ok) throw new CommandExit(exitCodes.failure);
}

/** Any certificate will do: a probe uses that of the container it is in. */
async function askGrpc(address: string, flags: HealthFlags): Promise<Answer> {
  const target = controlTarget(address, flags, ["learner", "actor", "viewer", "admin"]);
  const { ControlClient } = await import("../transport/control/control-client.ts");
  using client = new ControlClient(target);
  try {
    const report = await client.health(flags.service);
    return { ok: report === "SERVING", report };
  } catch (thrown) {
    return { ok: false, report: RunError.from(thrown).message };
  }
}

async function askRun(name: string, { runDir, timeout }: HealthFlags): Promise<Answer> {
  const { findRun } = await import("../learner/find-run.ts");
  const { readRunInfo } = await import("../learner/run-info.ts");
  const { metricsUrl, status, id } = readRunInfo(findRun(runDir, name));
  return metricsUrl
    ? askHttp(metricsUrl, timeout)
    : { ok: false, report: `run ${id} is ${status} and serves no metrics to ask` };
}

async function askHttp(metricsUrl: string, timeoutMs: number): Promise<Answer> {
  const url = new URL("/healthz", metricsUrl);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    return { ok: response.ok, report: (await response.text()).trim() };
  } catch (thrown) {
    const { message, cause } = thrown as Error;
    const reason = cause instanceof Error ? cause.message : message;
    return { ok: false, report: `${url} does not answer: ${reason}` };
  }
}
