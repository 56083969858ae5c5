import { status } from "@grpc/grpc-js";
import type { Role } from "../tls.ts";

/** What of a gRPC call is needed to know who calls. */
export interface AuthenticatedCall {
  getAuthContext(): {
    transportSecurityType?: string | undefined;
    sslPeerCertificate?: { readonly subject: object } | undefined;
  };
}

/** A status that ends a call; both what a callback takes and what a stream's `destroy` or `error` event takes. */
export interface Denial {
  readonly code: status.PERMISSION_DENIED;
  readonly message: string;
  readonly details: string;
}

/** Roles that may do what a role may, besides itself. */
const ALSO: Readonly<Partial<Record<Role, readonly Role[]>>> = { viewer: ["admin"] };

/**
 * Whether the caller has a role; the denial to answer with if not. Listeners without TLS let everybody do everything:
 * who may reach them was decided when they were opened.
 */
export function authorise(call: AuthenticatedCall, needed: Role): Denial | undefined {
  const { transportSecurityType, sslPeerCertificate } = call.getAuthContext();
  if (transportSecurityType === undefined) return undefined;
  const owner = roleOfSubject(sslPeerCertificate?.subject);
  const allowed = [needed, ...(ALSO[needed] ?? [])];
  if (allowed.some((role) => role === owner)) return undefined;
  const message = `this needs a certificate of the role ${allowed.join(" or ")}, yours has ${owner ?? "none"}`;
  return { code: status.PERMISSION_DENIED, message, details: message };
}

/** Exactly one OU counts: with several, which one is meant is anybody's guess. */
function roleOfSubject(subject: object | undefined): string | undefined {
  const unit: unknown = (subject as { readonly OU?: unknown } | undefined)?.OU;
  return typeof unit === "string" ? unit : undefined;
}
