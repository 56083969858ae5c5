import type { Server } from "@grpc/grpc-js";
import { formatAddress } from "../../config/address.ts";
import { RunError } from "../../errors.ts";
import { widenHttp2Windows } from "../http2-window.ts";
import { serverCredentials } from "../tls-credentials.ts";
import { reportTlsRefusals, type TlsRefusal } from "../tls-refusals.ts";
import type { ListenAddress } from "./gateway-task.ts";

/**
 * Opens every address on one server.
 *
 * @returns The ports, in order; 0 for sockets.
 * @throws RunError PORT_IN_USE, CONFIG_INVALID naming the address.
 */
export async function openListeners(
  server: Server,
  addresses: readonly ListenAddress[],
  onRefusal: (refusal: TlsRefusal) => void,
): Promise<number[]> {
  // Both change how HTTP/2 servers are made, which is while they are bound.
  using _windows = widenHttp2Windows();
  using _refusals = reportTlsRefusals(onRefusal);
  const ports: number[] = [];
  for (const address of addresses) {
    const port = await bind(server, address);
    ports.push("socket" in address ? 0 : port);
  }
  return ports;
}

async function bind(server: Server, address: ListenAddress): Promise<number> {
  const name = "socket" in address ? `unix:${address.socket}` : formatAddress(address);
  const credentials = serverCredentials("socket" in address ? undefined : address.tls);
  try {
    return await new Promise<number>((resolve, reject) => {
      server.bindAsync(name, credentials, (error, port) => (error ? reject(error) : resolve(port)));
    });
  } catch (thrown) {
    const { message } = RunError.from(thrown);
    if (message.includes("EADDRINUSE")) {
      throw new RunError("PORT_IN_USE", `${name} is in use: another learner may listen there`, {
        cause: thrown,
      });
    }
    throw new RunError("CONFIG_INVALID", `cannot listen at ${name}: ${message}`, { cause: thrown });
  }
}
