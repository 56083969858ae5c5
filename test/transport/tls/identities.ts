import {
  type CertifiedKey,
  createAuthority,
  issueCertificate,
} from "../../../src/transport/certs/authority.ts";
import type { Role, TlsIdentity } from "../../../src/transport/tls.ts";

const DAY_MS = 86_400_000;

/** Certificates hold from `from` to `to`, in days from now. */
export interface Days {
  readonly from: number;
  readonly to: number;
}

export function period({ from, to }: Days): { from: Date; to: Date } {
  const now = Date.now();
  return { from: new Date(now + from * DAY_MS), to: new Date(now + to * DAY_MS) };
}

/** An authority old enough to have issued what has expired since. */
export function openAuthority(): Promise<CertifiedKey> {
  return createAuthority(period({ from: -1_000, to: 1_000 }));
}

export interface IdentityWish {
  readonly hosts?: readonly string[];
  readonly days?: Days;
  /** Whom the owner trusts, if not the issuer. */
  readonly trusts?: CertifiedKey;
}

export async function identity(
  authority: CertifiedKey,
  role: Role,
  { hosts = ["localhost"], days = { from: -1, to: 100 }, trusts = authority }: IdentityWish = {},
): Promise<TlsIdentity> {
  const request = { role, hosts, period: period(days) };
  return { ca: trusts.certificate, ...(await issueCertificate(authority, request)) };
}
