import { BlockList, isIP } from "node:net";
import { RunError } from "../errors.ts";

/** Where the learner listens unless told otherwise. */
export const DEFAULT_PORT = 7447;

/** A host and a TCP port. */
export interface HostPort {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads HOST, HOST:PORT, [IPV6] or [IPV6]:PORT.
 *
 * @throws RunError CONFIG_INVALID.
 */
export function parseAddress(text: string, defaultPort = DEFAULT_PORT): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const bare = isIP(text) === 6 ? text : undefined;
  const host = bare ?? match?.[1] ?? match?.[2];
  const port = Number(bare === undefined ? (match?.[3] ?? defaultPort) : defaultPort);
  if (host === undefined || port > 65_535 || (match?.[1] !== undefined && isIP(host) !== 6))
    throw new RunError(
      "CONFIG_INVALID",
      `"${text}" is no address: HOST:PORT is wanted, such as learner.example:${defaultPort} or [::1]:${defaultPort}`,
    );
  return { host, port };
}

/** HOST:PORT, with brackets where IPv6 needs them. */
export function formatAddress({ host, port }: HostPort): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether only this machine can reach the host. A name counts if it is `localhost` or ends with it. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(bare);
  if (family !== 0) return loopback.check(bare, family === 6 ? "ipv6" : "ipv4");
  return /^(.+\.)?localhost\.?$/i.test(bare);
}
