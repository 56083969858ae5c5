import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { RunError } from "../../errors.ts";
import type { Role, TlsIdentity } from "../tls.ts";

const WARN_BEFORE_MS = 14 * 24 * 3_600_000;

/** Reads a PEM file. @throws RunError CONFIG_INVALID with `remedy` when there is none. */
export function readPem(file: string, remedy: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") throw invalid(`${file} is missing: ${remedy}`);
    if (code === "EACCES" || code === "EPERM")
      throw invalid(`${file} may not be read by this user: chown or chmod it`);
    throw invalid(`${file} cannot be read: ${message}`);
  }
}

/** What an identity has to satisfy, and what to say where it does not. */
export interface IdentityCheck {
  readonly files: TlsIdentity;
  readonly role: Role;
  /** The command that makes a new certificate. */
  readonly issue: string;
  readonly now: number;
  readonly warn: ((message: string) => void) | undefined;
}

/** @throws RunError CONFIG_INVALID unless certificate, key and CA belong together and hold now. */
export function checkIdentity(identity: TlsIdentity, check: IdentityCheck): void {
  const { files, role, issue } = check;
  const certificate = parseCertificates(identity.certificate, files.certificate)[0];
  if (certificate === undefined) throw invalid(`${files.certificate} holds no certificate`);
  const authorities = parseCertificates(identity.ca, files.ca);
  if (!authorities.some((ca) => isIssuedBy(certificate, ca)))
    throw invalid(
      `${files.certificate} was not signed by ${files.ca}: they are from different clusters; make it anew with ${issue} --force`,
    );
  if (!certificate.checkPrivateKey(parseKey(identity.key, files.key)))
    throw invalid(
      `${files.key} is not the key of ${files.certificate}: make both anew with ${issue} --force`,
    );
  const owner = roleOf(certificate);
  if (owner !== role)
    throw invalid(
      `${files.certificate} is of the role ${owner ?? "(none)"}, ${role} is needed: make one with ${issue} --force`,
    );
  checkValidity(certificate, files.certificate, check);
  for (const ca of authorities.filter((candidate) => isIssuedBy(certificate, candidate)))
    checkValidity(ca, files.ca, { ...check, issue: "npx troupe certs init --force" });
}

/** The certificate's validity: milliseconds since the epoch. */
export function validity(certificate: X509Certificate): { from: number; to: number } {
  return { from: Date.parse(certificate.validFrom), to: Date.parse(certificate.validTo) };
}

/** The role in a certificate's subject. */
export function roleOf(certificate: X509Certificate): string | undefined {
  return /^OU=(.*)$/m.exec(certificate.subject)?.[1];
}

function checkValidity(certificate: X509Certificate, file: string, check: IdentityCheck): void {
  const { now, issue, warn } = check;
  const { from, to } = validity(certificate);
  if (now > to)
    throw invalid(`${file} expired on ${day(to)}: make a new one with ${issue} --force`);
  if (now < from)
    throw invalid(
      `${file} is valid from ${new Date(from).toISOString()} only: is this machine's clock right?`,
    );
  if (to - now < WARN_BEFORE_MS)
    warn?.(`${file} expires on ${day(to)}: make a new one with ${issue} --force`);
}

function isIssuedBy(certificate: X509Certificate, ca: X509Certificate): boolean {
  return certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
}

/** All certificates of a PEM text. */
export function parseCertificates(pem: string, file: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw invalid(`${file} holds no readable certificate`);
  }
}

/** A private key. @throws RunError CONFIG_INVALID. */
export function parseKey(pem: string, file: string) {
  try {
    return createPrivateKey(pem);
  } catch {
    throw invalid(`${file} holds no readable private key`);
  }
}

function day(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

function invalid(message: string): RunError {
  return new RunError("CONFIG_INVALID", message);
}
