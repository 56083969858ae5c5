// @peculiar/x509 finds its parts through decorators' metadata and refuses to load without it.
import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Role } from "../tls.ts";

/** A certificate and its secret key (PKCS #8), both PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

/** When a certificate holds. */
export interface Period {
  readonly from: Date;
  readonly to: Date;
}

/** What a certificate is to say. */
export interface CertificateRequest {
  readonly role: Role;
  /** DNS names and IP addresses under which a learner is reached; others need none. */
  readonly hosts: readonly string[];
  readonly period: Period;
}

const KEYS = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };

/** Makes a certificate authority of its own, with a name that no other has. */
export async function createAuthority(period: Period): Promise<CertifiedKey> {
  const keys = await webcrypto.subtle.generateKey(KEYS, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // Two clusters' authorities must differ in name: TLS looks an issuer up by it.
    name: [{ CN: [`troupe ${randomBytes(4).toString("hex")}`] }, { OU: ["authority"] }],
    notBefore: period.from,
    notAfter: period.to,
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
    ],
  });
  return { certificate: pem(certificate), key: await pemKey(keys.privateKey) };
}

/**
 * Makes a key and signs its certificate: subject CN=troupe-<role>, OU=<role>. Only a learner's may serve; it may
 * call, too, so that a probe beside the learner needs no other.
 *
 * @throws RangeError unless the authority outlives the certificate.
 */
export async function issueCertificate(
  authority: CertifiedKey,
  { role, hosts, period }: CertificateRequest,
): Promise<CertifiedKey> {
  const issuer = new X509Certificate(authority.certificate);
  if (period.to > issuer.notAfter)
    throw new RangeError(`the authority itself ends on ${issuer.notAfter.toISOString()}`);
  const keys = await webcrypto.subtle.generateKey(KEYS, true, ["sign", "verify"]);
  const usages = [ExtendedKeyUsage.clientAuth];
  if (role === "learner") usages.unshift(ExtendedKeyUsage.serverAuth);
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [`troupe-${role}`] }, { OU: [role] }],
    issuer: issuer.subjectName,
    notBefore: period.from,
    notAfter: period.to,
    signingAlgorithm: SIGNATURE,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(usages),
      await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto),
      ...alternativeNames(hosts),
    ],
  });
  return { certificate: pem(certificate), key: await pemKey(keys.privateKey) };
}

function alternativeNames(hosts: readonly string[]): SubjectAlternativeNameExtension[] {
  if (hosts.length === 0) return [];
  const names = hosts.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value }) as const);
  return [new SubjectAlternativeNameExtension(names)];
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

async function pemKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

function importKey(text: string): Promise<webcrypto.CryptoKey> {
  const [der] = PemConverter.decode(text);
  if (der === undefined) throw new RangeError("the authority's key is no PEM text");
  return webcrypto.subtle.importKey("pkcs8", der, KEYS, false, ["sign"]);
}
