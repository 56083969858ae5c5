import type { TLSSocket } from "node:tls";

/**
 * Says in a sentence why a call to `address` failed: what gRPC and TLS mean by their errors, and what helps.
 * Anything not about the connection comes back as its own message.
 */
export function explainConnectionError(error: unknown, address: string): string {
  return `${address}: ${error instanceof Error ? error.message : String(error)}`;
}

/** Says in a sentence why a TLS server turned a client away, from its `tlsClientError` event. */
export function explainTlsRefusal(error: Error, socket: TLSSocket): string {
  return `${socket.remoteAddress ?? "somebody"}: ${error.message}`;
}
