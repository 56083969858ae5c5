import http2, { type Http2SecureServer, type SecureServerOptions } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** A client that a TLS listener turned away, before any call. */
export interface TlsRefusal {
  /** Where it came from. */
  readonly peer: string;
  /** Why, in a sentence. */
  readonly reason: string;
}

/** Half a greeting is dropped after this; Node's default lets two minutes of them pile up. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Tells of every client that TLS servers created while this is held turn away, or that turns away from them.
 *
 * grpc-js creates its servers while it binds, through the module object that is changed here, and does not pass on
 * their `tlsClientError` events.
 */
export function reportTlsRefusals(
  refused: (refusal: TlsRefusal) => void,
  handshakeTimeout = HANDSHAKE_TIMEOUT_MS,
): Disposable {
  const { createSecureServer } = http2;
  const watched = (options: SecureServerOptions): Http2SecureServer => {
    const server = createSecureServer({ ...options, handshakeTimeout });
    // A socket remembers its peer's address only if it was asked for while it was open.
    server.prependListener("connection", (socket: Socket) => void socket.remoteAddress);
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      if (!isProbe(socket)) refused({ peer: peerOf(socket), reason: reasonOf(error, socket) });
    });
    return server;
  };
  Object.assign(http2, { createSecureServer: watched });
  return { [Symbol.dispose]: () => void Object.assign(http2, { createSecureServer }) };
}

const verdicts: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet: the machines' clocks may differ",
  INVALID_PURPOSE: "its certificate is not meant for clients",
};

function reasonOf(error: NodeJS.ErrnoException, { authorizationError }: TLSSocket): string {
  // Set when the handshake went well but for the client's certificate.
  if (authorizationError) {
    const code = String(authorizationError);
    return verdicts[code] ?? `its certificate was not signed by our authority (${code})`;
  }
  switch (error.code) {
    case "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE":
      return "it showed no certificate";
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_HTTP_REQUEST":
      return "it does not speak TLS";
    case "ERR_TLS_HANDSHAKE_TIMEOUT":
      return "it did not finish the handshake in time";
    case "ECONNRESET":
      return "it hung up during the handshake: it may not accept our certificate, or know us by another name";
    default:
      return `the handshake failed: ${error.code ?? error.message.trim()}`;
  }
}

/** Node keeps the socket below TLS, which knows more once it is closed, in a field it does not document. */
type Layered = TLSSocket & { readonly _parent?: Socket | null };

/** Whether somebody only looked if the port is open. */
function isProbe({ _parent }: Layered): boolean {
  return _parent?.bytesRead === 0;
}

function peerOf(socket: Layered): string {
  const address = socket.remoteAddress ?? socket._parent?.remoteAddress ?? "an unknown address";
  return address.replace(/^::ffff:/, "");
}
