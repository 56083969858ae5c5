import { Argument, type Command, Option } from "@commander-js/extra-typings";
import type { Issued } from "../transport/certs/certs-folder.ts";
import { DEFAULT_CERTS, type Role, roles } from "../transport/tls.ts";
import { wholeNumber } from "./arguments.ts";
import { table } from "./table.ts";

/** `troupe certs init | issue | show`. */
export function addCertsCommand(program: Command): void {
  const certs = program
    .command("certs")
    .description("make the certificates by which the machines of a cluster know each other");
  certs
    .command("init")
    .description("make a certificate authority, once for a cluster")
    .addOption(dirOption())
    .option("--force", "replace the one that is there; its certificates hold no longer", false)
    .action(init);
  certs
    .command("issue")
    .description("issue a certificate of a role: learner, actor, viewer (status), admin (control)")
    .addArgument(new Argument("<role>", "what its owner may do").choices(roles))
    .option(
      "--host <names>",
      "names and addresses by which a learner is reached, with commas between; default: this host's name",
      commaList,
      [] as string[],
    )
    .option("--days <n>", "how long it holds", wholeNumber(1), 365)
    .option("--name <name>", "file name without ending (default: the role)")
    .option("--out <dir>", "folder for it and a copy of ca.crt, ready for another machine")
    .addOption(dirOption())
    .option("--force", "replace files that are there", false)
    .action(issue);
  certs
    .command("show")
    .description("list the certificates of a folder")
    .addOption(dirOption())
    .option("--json", "print JSON")
    .action(show);
}

function dirOption() {
  return new Option("--dir <dir>", "folder of the authority").default(DEFAULT_CERTS);
}

function commaList(text: string, before: readonly string[]): string[] {
  const names = text.split(",").map((name) => name.trim());
  return [...before, ...names.filter((name) => name !== "")];
}

async function init({ dir, force }: { dir: string; force: boolean }): Promise<void> {
  const { initCerts } = await import("../transport/certs/certs-folder.ts");
  const made = await initCerts(dir, { force, now: Date.now() });
  const flag = dir === DEFAULT_CERTS ? "" : ` --dir ${dir}`;
  console.log(`${made.certificateFile}  the cluster's authority, until ${day(made.until)}: goes to every machine
${made.keyFile}  its secret key: stays here, for whoever has it can let anybody in

Next:
  npx troupe certs issue learner --host NAME,IP${flag}   by which actors reach the learner
  npx troupe certs issue actor${flag}
  npx troupe certs issue viewer${flag}                   for troupe status
  npx troupe certs issue admin${flag}                    for troupe control`);
}

interface IssueFlags {
  readonly dir: string;
  readonly host: readonly string[];
  readonly days: number;
  readonly force: boolean;
  readonly name?: string | undefined;
  readonly out?: string | undefined;
}

async function issue(role: Role, flags: IssueFlags): Promise<void> {
  const { issueCerts } = await import("../transport/certs/certs-folder.ts");
  const { dir, days, force, host: hosts, name = role, out = dir } = flags;
  const options = { dir, out, name, hosts, days, force, now: Date.now() };
  const made = await issueCerts(role, options);
  if (role !== "learner" && hosts.length > 0)
    console.error(`note: only a learner's certificate names hosts; --host was not used`);
  console.log(issuedText(role, made, out));
}

function issuedText(role: Role, made: Issued, out: string): string {
  const { certificateFile, keyFile, until, hosts } = made;
  const names = hosts.length > 0 ? `, for ${hosts.join(", ")}` : "";
  return `${certificateFile}  role ${role}${names}, until ${day(until)}
${keyFile}  its secret key, for its owner alone (mode 0600)

Next: copy these two and ca.crt, never ca.key, to the machine that needs them as
${role}.crt, ${role}.key and ca.crt of one folder; there:
  ${USES[role]} --certs ${out}`;
}

const USES: Readonly<Record<Role, string>> = {
  learner: "npx troupe learner ENV --listen 0.0.0.0:7447",
  actor: "npx troupe actor --learner HOST:7447",
  viewer: "npx troupe status --learner HOST:7447",
  admin: "npx troupe control checkpoint --learner HOST:7447",
};

async function show({ dir, json }: { dir: string; json?: true | undefined }): Promise<void> {
  const { listCerts } = await import("../transport/certs/certs-folder.ts");
  const found = listCerts(dir);
  if (json) {
    console.log(JSON.stringify(found, null, 2));
    return;
  }
  const rows = found.map(({ file, role, hosts, from, to, hasKey, trusted }) => [
    file,
    role,
    hosts.join(",") || "-",
    day(to),
    remark({ from, to, trusted }),
    hasKey ? "yes" : "no",
  ]);
  console.log(table([["file", "role", "hosts", "until", "state", "key here"], ...rows]));
}

function remark({ from, to, trusted }: { from: Date; to: Date; trusted: boolean }): string {
  const now = Date.now();
  if (!trusted) return "not signed by ca.crt";
  if (now > to.getTime()) return "expired";
  if (now < from.getTime()) return "not yet valid";
  const days = Math.floor((to.getTime() - now) / 86_400_000);
  return `${days} days left`;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
