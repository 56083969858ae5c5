import type { Command } from "@commander-js/extra-typings";
import type { EnvInfo } from "../envs/entry.ts";
import { table } from "./table.ts";

/** `troupe env list`. */
export function addEnvListCommand(env: Command): void {
  env
    .command("list")
    .description("list the registered environments, by suite and domain")
    .argument("[text]", "only those whose id or suite contains this")
    .option("--json", "print JSON")
    .action(list);
}

async function list(
  text: string | undefined,
  { json }: { readonly json?: true | undefined },
): Promise<void> {
  const { listEnvs } = await import("../envs/registry.ts");
  const envs = listEnvs().filter((info) => matches(info, text));
  if (json) console.log(JSON.stringify(envs, null, 2));
  else console.log(envs.length === 0 ? `no id contains "${text}"` : listText(envs));
}

function matches({ id, group }: EnvInfo, text = ""): boolean {
  const wanted = text.toLowerCase();
  return id.toLowerCase().includes(wanted) || group.toLowerCase().includes(wanted);
}

/** A block for each suite; in one that has domains, their names stand before their tasks. */
function listText(envs: readonly EnvInfo[]): string {
  const groups = [...new Set(envs.map(({ group }) => group))];
  const blocks = groups.map((group) =>
    block(
      group,
      envs.filter((info) => info.group === group),
    ),
  );
  return [...blocks, OWN].join("\n\n");
}

const OWN = `own
  a file that defines a task: troupe train ./my-task.ts (docs/environments.md)`;

function block(group: string, envs: readonly EnvInfo[]): string {
  const domains = envs.map(domainOf);
  const hasDomains = domains.some((domain) => domain !== "");
  const rows = envs.map((info, i) => [
    // A domain is named once.
    ...(hasDomains ? [domains[i] === domains[i - 1] ? "" : (domains[i] ?? "")] : []),
    info.id,
    cell(info.maxEpisodeSteps),
    cell(info.dt),
    cell(info.rewardThreshold),
  ]);
  const heads = [...(hasDomains ? ["domain"] : []), "id", "max steps", "dt [s]", "solved at"];
  const lines = table([heads, ...rows]).split("\n");
  return [`${group} (${envs.length})`, ...lines.map((line) => `  ${line}`)].join("\n");
}

/** `cartpole` of `dm_control/cartpole-swingup`. */
function domainOf({ id }: EnvInfo): string {
  return /^[^/]+\/([^-]+)-/.exec(id)?.[1] ?? "";
}

function cell(value: number | null): string {
  return value === null ? "-" : String(value);
}
