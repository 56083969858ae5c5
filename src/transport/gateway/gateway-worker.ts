import { expose } from "comlink";
import { comlinkPort } from "../../threads/comlink-port.ts";
import { type ThreadResult, toThreadResult } from "../../threads/thread-result.ts";
import { GatewayHost } from "./gateway-host.ts";
import type { GatewayControl, GatewayEvent, GatewayTask } from "./gateway-task.ts";

/** Thread entry: opens the gateway, announces it, and keeps it open until it is told to close. */
export function runGateway(task: GatewayTask): Promise<ThreadResult<void>> {
  return toThreadResult(() => serve(task));
}

async function serve({ control, events, ...setup }: GatewayTask): Promise<void> {
  const emit = (event: GatewayEvent): void => events.postMessage(event);
  try {
    await using host = await GatewayHost.open(setup, emit);
    const exposed: GatewayControl = {
      report: (progress) => host.report(progress),
      close: (farewell) => host.close(farewell),
      checkpointed: (request, result) => host.checkpointed(request, result),
    };
    expose(exposed, comlinkPort(control));
    emit({ type: "ready", ports: host.ports });
    await host.finished;
  } finally {
    control.close();
    events.close();
  }
}
