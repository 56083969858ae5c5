import type { X509Certificate } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { RunError } from "../../errors.ts";
import type { Role } from "../tls.ts";
import { type CertifiedKey, createAuthority, issueCertificate, type Period } from "./authority.ts";
import { parseCertificates, parseKey, readPem, roleOf, validity } from "./identity-files.ts";

const DAY_MS = 24 * 3_600_000;
const AUTHORITY_DAYS = 3653;
/** Clocks of a cluster differ; a certificate holds from a little before it was made. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** Labels of letters, digits and hyphens; the first may be a star. */
const DNS_NAME = /^(\*\.)?(?!-)[a-z0-9_-]+(?<!-)(\.(?!-)[a-z0-9_-]+(?<!-))*$/i;

/** A certificate and its key, written. */
export interface Issued {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly until: Date;
  readonly hosts: readonly string[];
}

/** Whether files may be replaced, and the present in milliseconds since the epoch. */
export interface WriteOptions {
  readonly force: boolean;
  readonly now: number;
}

/**
 * Makes a certificate authority in `dir`: ca.crt and ca.key.
 *
 * @throws RunError CONFIG_INVALID if there is one and `force` is not set.
 */
export async function initCerts(dir: string, { force, now }: WriteOptions): Promise<Issued> {
  const target = { dir, name: "ca", force };
  refuseToOverwrite(target);
  const period = periodOf(now, AUTHORITY_DAYS);
  return { ...write(target, await createAuthority(period)), until: period.to, hosts: [] };
}

/** What `troupe certs issue` is asked for. */
export interface IssueOptions extends WriteOptions {
  /** Where ca.crt and ca.key are. */
  readonly dir: string;
  /** Where the certificate goes; with ca.crt, if it is another folder. */
  readonly out: string;
  /** File name without ending. */
  readonly name: string;
  /** Names and addresses besides this machine's own; of use to learners only. */
  readonly hosts: readonly string[];
  readonly days: number;
}

/** Issues a certificate of a role. @throws RunError CONFIG_INVALID. */
export async function issueCerts(role: Role, options: IssueOptions): Promise<Issued> {
  const { dir, out, name, hosts, days, force, now } = options;
  const authority = readAuthority(dir);
  const target = { dir: out, name, force };
  refuseToOverwrite(target);
  const [issuer] = parseCertificates(authority.certificate, join(dir, "ca.crt"));
  const period = periodOf(now, days);
  const last = validity(issuer as X509Certificate).to;
  if (period.to.getTime() > last)
    throw invalid(
      `${join(dir, "ca.crt")} itself ends on ${new Date(last).toISOString().slice(0, 10)}: fewer --days, or a new authority (docs/security.md)`,
    );
  const names = role === "learner" ? hostNames(hosts) : [];
  const made = await issueCertificate(authority, { role, hosts: names, period });
  const files = write(target, made);
  if (out !== dir)
    replace(join(out, "ca.crt"), { text: readFileSync(join(dir, "ca.crt"), "utf8"), mode: 0o644 });
  return { ...files, until: period.to, hosts: names };
}

/** A certificate found in a folder. */
export interface CertificateInfo {
  readonly file: string;
  /** The role, or "authority". */
  readonly role: string;
  readonly hosts: readonly string[];
  readonly from: Date;
  readonly to: Date;
  /** Whether its key is beside it. */
  readonly hasKey: boolean;
  /** Whether an authority in ca.crt signed it. */
  readonly trusted: boolean;
}

/** The certificates in `dir`, by file name. @throws RunError CONFIG_INVALID. */
export function listCerts(dir: string): CertificateInfo[] {
  const authorities = parseCertificates(
    readPem(join(dir, "ca.crt"), initHint(dir)),
    join(dir, "ca.crt"),
  );
  return readdirSync(dir)
    .filter((file) => file.endsWith(".crt"))
    .sort()
    .flatMap((file) =>
      parseCertificates(readFileSync(join(dir, file), "utf8"), join(dir, file)).map(
        (certificate) => ({
          file,
          role: roleOf(certificate) ?? "(none)",
          hosts: alternativeNames(certificate),
          from: new Date(validity(certificate).from),
          to: new Date(validity(certificate).to),
          hasKey: existsSync(join(dir, file.replace(/\.crt$/, ".key"))),
          trusted: authorities.some((ca) => certificate.verify(ca.publicKey)),
        }),
      ),
    );
}

/** The names a learner is reached by: those given, and this machine's own for whoever is on it. */
function hostNames(given: readonly string[]): string[] {
  const bad = given.find((host) => isIP(host) === 0 && !DNS_NAME.test(host));
  if (bad !== undefined) throw invalid(`"${bad}" is neither a host name nor an IP address`);
  const own = given.length > 0 ? [] : [hostname()];
  return [...new Set([...given, ...own, "localhost", "127.0.0.1", "::1"])];
}

/** The authority that signs: of several certificates in ca.crt the one that ca.key belongs to. */
function readAuthority(dir: string): CertifiedKey {
  const file = join(dir, "ca.crt");
  const certificates = parseCertificates(readPem(file, initHint(dir)), file);
  const keyFile = join(dir, "ca.key");
  const key = readPem(
    keyFile,
    "certificates are issued where the authority was made, and its key stays there",
  );
  const secret = parseKey(key, keyFile);
  const certificate = certificates.find((candidate) => candidate.checkPrivateKey(secret));
  if (certificate === undefined) throw invalid(`${keyFile} is not the key of ${file}`);
  return { certificate: certificate.toString(), key };
}

function periodOf(now: number, days: number): Period {
  return { from: new Date(now - CLOCK_SKEW_MS), to: new Date(now + days * DAY_MS) };
}

interface Target {
  readonly dir: string;
  readonly name: string;
  readonly force: boolean;
}

function refuseToOverwrite({ dir, name, force }: Target): void {
  const there = [`${name}.crt`, `${name}.key`].map((file) => join(dir, file)).find(existsSync);
  if (there !== undefined && !force)
    throw invalid(
      `${there} exists: --force replaces it${name === "ca" ? ", and no certificate issued so far holds any longer" : ""}`,
    );
}

function write({ dir, name }: Target, { certificate, key }: CertifiedKey) {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const certificateFile = join(dir, `${name}.crt`);
  const keyFile = join(dir, `${name}.key`);
  replace(keyFile, { text: key, mode: 0o600 });
  replace(certificateFile, { text: certificate, mode: 0o644 });
  return { certificateFile, keyFile };
}

/** Through a new file: an existing one would keep its mode. */
function replace(
  file: string,
  { text, mode }: { readonly text: string; readonly mode: number },
): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode, flag: "wx" });
  renameSync(temporary, file);
}

function alternativeNames(certificate: X509Certificate): string[] {
  const entries = certificate.subjectAltName?.split(", ") ?? [];
  return entries.map((entry) => entry.slice(entry.indexOf(":") + 1));
}

function initHint(dir: string): string {
  return `begin with npx troupe certs init --dir ${dir}`;
}

function invalid(message: string): RunError {
  return new RunError("CONFIG_INVALID", message);
}
