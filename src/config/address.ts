import { RunError } from "../errors.ts";

/** A TCP address. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `HOST:PORT`; an IPv6 host stands in brackets.
 *
 * @param what The flag or field it was given in.
 * @throws RunError CONFIG_INVALID
 */
export function parseAddress(text: string, what: string): Address {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new RunError(
      "CONFIG_INVALID",
      `${what}: ${JSON.stringify(text)} is no HOST:PORT; write for example 127.0.0.1:7447 or [::1]:7447`,
    );
  }
  return { host, port };
}

/** `HOST:PORT`, an IPv6 host in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
