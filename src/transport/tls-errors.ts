import { parseAddress } from "../config/address.ts";
import type { TlsIdentity } from "./tls.ts";

/** What is known about the call that failed. */
interface Attempt {
  readonly address: string;
  readonly host: string;
  /** Whether TLS was spoken. */
  readonly secure: boolean;
  /** gRPC's details: for a connection that failed, the last error of the socket or of TLS. */
  readonly details: string;
}

type Explanation = (attempt: Attempt) => string;

/** gRPC's numbers: https://grpc.io/docs/guides/status-codes. */
const byStatus: Readonly<Record<number, Explanation>> = {
  4: ({ address }) => `${address} did not answer in time: is the learner overloaded or stopped?`,
  7: ({ address, details }) => `the learner at ${address} denies this: ${details}`,
  12: ({ address, details }) =>
    `${address} answers, but not as a learner of this version of Troupe does: ${details}`,
};

/**
 * What to say where gRPC reports a connection that did not come about (UNAVAILABLE), by what Node, OpenSSL and
 * grpc-js write. The first that matches counts.
 */
const byDetails: readonly (readonly [RegExp, Explanation])[] = [
  [
    /ECONNREFUSED|ENOENT/,
    ({ address }) =>
      `nobody listens at ${address}: is the learner running, and is this its address?`,
  ],
  [
    /ENOTFOUND|EAI_AGAIN|Name resolution failed/,
    ({ host }) => `the host name ${host} is not known here: is it spelled right?`,
  ],
  [
    /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/,
    ({ address }) => `${address} cannot be reached: is the machine up and the port open?`,
  ],
  [
    /certificate has expired|CERT_HAS_EXPIRED/,
    ({ address }) =>
      `the certificate of the learner at ${address} has expired: make a new one with ` +
      "npx troupe certs issue learner --force and restart the learner",
  ],
  [
    /certificate is not yet valid|CERT_NOT_YET_VALID/,
    ({ address }) =>
      `the certificate of the learner at ${address} is not valid yet: do the two machines' clocks differ?`,
  ],
  [
    /self-signed certificate|unable to (verify|get)|SELF_SIGNED_CERT|UNABLE_TO_|certificate signature failure/,
    ({ address }) =>
      `the certificate of the learner at ${address} was not signed by the authority in our ca.crt: ` +
      "the two are of different clusters, or the authority was made anew",
  ],
  [
    /does not match certificate's altnames|ERR_TLS_CERT_ALTNAME_INVALID/,
    ({ host, details }) =>
      `the learner's certificate is not for ${host}${namesIn(details)}: make it anew with ` +
      `npx troupe certs issue learner --force --host ${host}, or connect by a name it has`,
  ],
  [
    /unsuitable certificate purpose|INVALID_PURPOSE/,
    ({ address }) => `what answers at ${address} shows a certificate that is not a learner's`,
  ],
  [
    /wrong version number|packet length too long|WRONG_VERSION_NUMBER/i,
    ({ address }) =>
      `${address} does not speak TLS: connect without certificates (--insecure, if it is not loopback), ` +
      "or give the learner its own with --certs",
  ],
  [
    /disconnected before secure TLS/,
    ({ address }) =>
      `${address} closed the connection before it was secure: is the learner starting or stopping just now?`,
  ],
  [/alert (number|certificate|bad|unknown|unsupported|protocol|handshake)/, refusedHere],
  [
    /Failed to connect|ECONNRESET|EPIPE|socket hang up|[Cc]onnection (closed|dropped)/,
    (attempt) =>
      attempt.secure
        ? refusedHere(attempt)
        : `${attempt.address} closed the connection: it probably wants TLS, so give --certs DIR`,
  ],
  [
    /Protocol error|ERR_HTTP2|HTTP status code/,
    ({ address }) => `what answers at ${address} is no learner`,
  ],
];

function refusedHere({ address }: Attempt): string {
  return (
    `the learner at ${address} ended the connection while greeting: it went away, or it does not accept our certificate ` +
    "(expired, not valid yet by its clock, or of another authority); its log says which"
  );
}

/**
 * Says in a sentence why a call to `address` failed: what gRPC and TLS mean by their errors, and what helps.
 *
 * @param error As grpc-js gives it; of another, the message is all there is.
 * @param address HOST:PORT or unix:PATH.
 * @param tls What the call was made with; undefined for plaintext.
 */
export function explainConnectionError(
  error: Error & { readonly code?: unknown; readonly details?: string },
  address: string,
  tls: TlsIdentity | undefined,
): string {
  const { code } = error;
  const text = withoutWrapping(error.details || error.message);
  const attempt = { address, host: hostOf(address), secure: tls !== undefined, details: text };
  // Timed out while connecting: the socket's own error, if there is one in the text, says more.
  const known = byDetails.find(([pattern]) => pattern.test(text));
  const explain = code === 14 || code === 4 ? known?.[1] : undefined;
  const byCode = typeof code === "number" ? byStatus[code] : undefined;
  return (explain ?? byCode)?.(attempt) ?? `${address}: ${text}`;
}

/** The socket's or TLS's own words, without what grpc-js puts around them. */
function withoutWrapping(details: string): string {
  return details
    .replace(/^No connection established\. Last error: (Error: )?/, "")
    .replace(/\s*(\(\d{4}-[^)]*Z\))?\. Resolution note:.*$/s, "")
    .trim();
}

/** The names a certificate has, from Node's message. */
function namesIn(details: string): string {
  const names = /altnames: ((?:(?:DNS|IP Address|IP):[^,\s]+(?:, )?)+)|list: (.+)$/.exec(details);
  const list = (names?.[1] ?? names?.[2])?.replaceAll(/(?:DNS|IP Address|IP):/g, "").trim();
  return list ? ` (it is for ${list})` : "";
}

function hostOf(address: string): string {
  return address.startsWith("unix:") ? address : parseAddress(address, "address").host;
}
