import { type Command, Option } from "@commander-js/extra-typings";
import { findRun } from "../learner/find-run.ts";
import { readRunInfo } from "../learner/run-info.ts";
import { wholeNumber } from "./arguments.ts";
import { CommandExit, exitCodes } from "./exit.ts";
import { runDirOption } from "./run-argument.ts";

/** `troupe health`: for container probes and people. */
export function addHealthCommand(program: Command): void {
  program
    .command("health")
    .description("ask a running run whether it makes progress; exit 0 if it does, else 1")
    .argument("[run]", "a run: its name, its folder, or latest", "latest")
    .addOption(
      new Option("--url <url>", "address of its metrics instead, such as http://127.0.0.1:9100"),
    )
    .option("--timeout <ms>", "longest wait for an answer", wholeNumber(1), 5_000)
    .addOption(runDirOption)
    .action(run);
}

interface HealthFlags {
  readonly url?: string | undefined;
  readonly timeout: number;
  readonly runDir: string;
}

async function run(name: string, { url, timeout, runDir }: HealthFlags): Promise<void> {
  const { metricsUrl, status, id } = url
    ? { metricsUrl: url, status: "running", id: url }
    : readRunInfo(findRun(runDir, name));
  const { ok, report } = metricsUrl
    ? await ask(new URL("/healthz", metricsUrl), timeout)
    : { ok: false, report: `run ${id} is ${status} and serves no metrics to ask` };
  console.log(report);
  if (!ok) throw new CommandExit(exitCodes.failure);
}

async function ask(url: URL, timeoutMs: number): Promise<{ ok: boolean; report: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    return { ok: response.ok, report: (await response.text()).trim() };
  } catch (thrown) {
    const { message, cause } = thrown as Error;
    const reason = cause instanceof Error ? cause.message : message;
    return { ok: false, report: `${url} does not answer: ${reason}` };
  }
}
