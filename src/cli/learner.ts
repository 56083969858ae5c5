import type { Command } from "@commander-js/extra-typings";
import { parseAddress } from "../config/address.ts";
import type { FlagSetting } from "../config/load.ts";
import { trainCluster } from "../run/train.ts";
import { runFromFlags, withRunFlags } from "./run-command.ts";

/** `troupe learner`. */
export function addLearnerCommand(program: Command): void {
  const command = program
    .command("learner")
    .description("train with actors on any machine: `troupe actor --learner HOST:7447` there");
  withRunFlags(command, "actor threads in this process, besides those that connect (default: 0)")
    .option("--listen <host:port>", "address that actors connect to (default: 127.0.0.1:7447)")
    .option("--metrics <host:port>", "address of the Prometheus metrics; off: none")
    .option("--certs <dir>", "folder with the learner's certificates; see `troupe certs`")
    .option("--insecure", "serve other machines without TLS: whoever gets through may do anything")
    .addHelpText("after", HELP)
    .action((env, { actors, ...flags }) =>
      runFromFlags(env, flags, {
        start: trainCluster,
        settings: learnerSettings(flags, actors),
      }),
    );
}

const HELP = `
Actors may come and go at any time. What the learner has acknowledged as durable survives it: every
unroll is in the run folder's log before it is acknowledged (cluster.durability). With --resume auto
the same command starts the run or goes on with it, and actors that are still there go on by themselves.
An address that is not loopback needs certificates (\`troupe certs init\`) or --insecure.
docs/cluster.md leads from nothing to three machines; \`troupe status\` shows who waits for whom.`;

interface LearnerFlags {
  readonly listen?: string | undefined;
  readonly metrics?: string | undefined;
  readonly certs?: string | undefined;
  readonly insecure?: true | undefined;
}

function learnerSettings(flags: LearnerFlags, actors: string | undefined): FlagSetting[] {
  const { listen, metrics, certs, insecure } = flags;
  return [
    ...setting("--actors", "cluster.localActors", actors),
    ...setting("--listen", "cluster.listen", listen),
    ...setting("--certs", "cluster.certs", certs),
    ...setting("--insecure", "cluster.insecure", insecure && "true"),
    ...metricsSettings(metrics),
  ];
}

function setting(flag: string, path: string, text: string | undefined): FlagSetting[] {
  return text === undefined ? [] : [{ flag: `${flag} ${text}`, path, text }];
}

function metricsSettings(text: string | undefined): FlagSetting[] {
  if (text === undefined || text === "off") return setting("--metrics", "metrics.port", text);
  const { host, port } = parseAddress(text, "--metrics");
  return [
    ...setting("--metrics", "metrics.host", host),
    ...setting("--metrics", "metrics.port", String(port)),
  ];
}
