import type { Command } from "@commander-js/extra-typings";
import type { ControlClient } from "../transport/control/control-client.ts";
import { wholeNumber } from "./arguments.ts";
import {
  type ConnectFlags,
  certsOption,
  controlTarget,
  insecureOption,
  learnerOption,
} from "./learner-address.ts";

/** `troupe control checkpoint | stop`: what an admin may do to a learner. */
export function addControlCommand(program: Command): void {
  const control = program
    .command("control")
    .description("steer a learner; with TLS it takes a certificate of the role admin");
  addAction(control, {
    name: "checkpoint",
    description: "write a checkpoint now, and return when it is on the disk",
    timeoutMs: 120_000,
    ask: async (client) => `${(await client.checkpoint()).name} is on the disk`,
  });
  addAction(control, {
    name: "stop",
    description: "stop the learner in good order, with a checkpoint; returns at once",
    timeoutMs: 5_000,
    ask: async (client) => {
      await client.stop();
      return "the learner stops";
    },
  });
}

interface ControlAction {
  readonly name: string;
  readonly description: string;
  readonly timeoutMs: number;
  /** Returns what to tell the user. */
  readonly ask: (client: ControlClient) => Promise<string>;
}

function addAction(control: Command, { name, description, timeoutMs, ask }: ControlAction): void {
  control
    .command(name)
    .description(description)
    .addOption(learnerOption())
    .option("--timeout <ms>", "longest wait for an answer", wholeNumber(1), timeoutMs)
    .addOption(certsOption())
    .addOption(insecureOption())
    .action(async ({ learner, ...flags }: ConnectFlags & { readonly learner: string }) => {
      const target = controlTarget(learner, flags, ["admin"]);
      const { ControlClient } = await import("../transport/control/control-client.ts");
      using client = new ControlClient(target);
      console.log(await ask(client));
    });
}
