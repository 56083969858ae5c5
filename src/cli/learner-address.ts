import { Option } from "@commander-js/extra-typings";
import { formatAddress, parseAddress } from "../config/address.ts";
import type { ControlTarget } from "../transport/control/control-client.ts";
import { connectPolicy, type Role } from "../transport/tls.ts";

/** `--learner` */
export function learnerOption() {
  return new Option("--learner <host:port>", "the learner's address")
    .default("127.0.0.1:7447")
    .env("TROUPE_LEARNER");
}

/** `--certs` */
export function certsOption() {
  return new Option(
    "--certs <dir>",
    "folder of certificates (default: certs, if it is not loopback)",
  ).env("TROUPE_CERTS");
}

/** `--insecure` */
export function insecureOption() {
  return new Option("--insecure", "no TLS, although the address is not loopback").default(false);
}

/** Where to connect, as the command line says it. */
export interface ConnectFlags {
  readonly certs?: string | undefined;
  readonly insecure: boolean;
  readonly timeout: number;
}

/** @param roles Those that may ask what is to be asked. @throws RunError CONFIG_INVALID. */
export function controlTarget(
  learner: string,
  { certs, insecure, timeout }: ConnectFlags,
  roles: readonly [Role, ...Role[]],
): ControlTarget {
  const address = parseAddress(learner, "the learner's address");
  const warn = (message: string): void => console.error(`warning: ${message}`);
  const tls = connectPolicy({ host: address.host, certs, insecure, roles }, { warn });
  return { address: formatAddress(address), tls, timeoutMs: timeout };
}
