import { existsSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { join } from "node:path";
import { RunError } from "../errors.ts";
import { checkIdentity, readPem } from "./certs/identity-files.ts";

/** PEM texts: who one is, and whom one trusts. */
export interface TlsIdentity {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate's owner may do: its subject's OU. */
export const roles = ["learner", "actor", "viewer", "admin"] as const;
export type Role = (typeof roles)[number];

/** Where `troupe certs` puts files and the other commands look for them. */
export const DEFAULT_CERTS = "certs";

/** What reading an identity may say and ask. */
export interface IdentityOptions {
  /** Hears of a certificate that expires soon. */
  readonly warn?: ((message: string) => void) | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: number | undefined;
}

/**
 * The identity in `dir`: `ca.crt` (one certificate or several), `<role>.crt` and `<role>.key`.
 *
 * @throws RunError CONFIG_INVALID naming the file that is missing, unreadable, expired, of another role or
 *   signed by somebody else, and the command that helps.
 */
export function readTlsIdentity(
  dir: string,
  role: Role,
  { warn, now = Date.now() }: IdentityOptions = {},
): TlsIdentity {
  const issue = `npx troupe certs issue ${role} --dir ${dir}`;
  const files = {
    ca: join(dir, "ca.crt"),
    certificate: join(dir, `${role}.crt`),
    key: join(dir, `${role}.key`),
  };
  const identity = {
    ca: readPem(
      files.ca,
      `copy it from where the cluster's certificates are made, or begin with npx troupe certs init --dir ${dir}`,
    ),
    certificate: readPem(files.certificate, `make it with ${issue}`),
    key: readPem(files.key, `make it with ${issue}`),
  };
  checkIdentity(identity, { files, role, issue, now, warn });
  return identity;
}

/** What the command line says about a listener. */
export interface ListenRequest {
  readonly host: string;
  /** Folder of certificates, if one was given. */
  readonly certs: string | undefined;
  /** The user accepts that anybody who can connect may do everything. */
  readonly insecure: boolean;
}

/**
 * The identity that a learner listens with, or undefined for plaintext. Loopback may be plaintext; other
 * addresses need certificates or an explicit `insecure`; certificates that are given are always used.
 *
 * @throws RunError CONFIG_INVALID.
 */
export function listenPolicy(
  request: ListenRequest,
  options?: IdentityOptions,
): TlsIdentity | undefined {
  return policy(request, "learner", options);
}

/** What the command line says about a learner to connect to. */
export interface ConnectRequest extends ListenRequest {
  /** As whom one may connect; the first that there is a certificate of. */
  readonly roles: readonly [Role, ...Role[]];
}

/** The identity to connect with, by the same rule as `listenPolicy`. @throws RunError CONFIG_INVALID. */
export function connectPolicy(
  { roles, ...request }: ConnectRequest,
  options?: IdentityOptions,
): TlsIdentity | undefined {
  const dir = request.certs ?? DEFAULT_CERTS;
  return policy(request, roles.find((role) => hasCertificate(dir, role)) ?? roles[0], options);
}

function policy(
  { host, certs, insecure }: ListenRequest,
  role: Role,
  options?: IdentityOptions,
): TlsIdentity | undefined {
  if (certs !== undefined && insecure)
    throw new RunError(
      "CONFIG_INVALID",
      "--certs and --insecure contradict each other: give one of them",
    );
  if (certs !== undefined) return readTlsIdentity(certs, role, options);
  if (insecure || isLoopback(host)) return undefined;
  if (hasCertificate(DEFAULT_CERTS, role)) return readTlsIdentity(DEFAULT_CERTS, role, options);
  throw new RunError(
    "CONFIG_INVALID",
    `${host} is not loopback, so certificates are needed, and there is no ${DEFAULT_CERTS}/${role}.crt: ` +
      `give --certs DIR (made by npx troupe certs init and npx troupe certs issue ${role}), ` +
      "or --insecure to trust everybody on the network",
  );
}

function hasCertificate(dir: string, role: Role): boolean {
  return existsSync(join(dir, `${role}.crt`));
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
