import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { ChannelCredentials, type ChannelOptions, ServerCredentials } from "@grpc/grpc-js";
import { parseAddress } from "../config/address.ts";
import type { TlsIdentity } from "./tls.ts";

/** A listener's credentials: with TLS, every client must show a certificate of the same CA. */
export function serverCredentials(tls: TlsIdentity | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) };
  return ServerCredentials.createSsl(Buffer.from(tls.ca), [pair], true);
}

/** What a client needs to open a channel. */
export interface ChannelSecurity {
  readonly credentials: ChannelCredentials;
  /** To be spread into the channel's options. */
  readonly options: ChannelOptions;
}

/**
 * A client's credentials for an address, HOST:PORT or unix:PATH, checking the name in the learner's certificate.
 *
 * TLS allows no IP address as server name (RFC 6066, section 3; Node warns of it), so for such an address another
 * name is sent and the address is compared with those in the certificate.
 */
export function channelSecurity(address: string, tls: TlsIdentity | undefined): ChannelSecurity {
  if (tls === undefined) return { credentials: ChannelCredentials.createInsecure(), options: {} };
  const { host } = parseAddress(address, "address");
  const files = [tls.ca, tls.key, tls.certificate].map((pem) => Buffer.from(pem));
  const [ca, key, certificate] = files as [Buffer, Buffer, Buffer];
  if (isIP(host) === 0)
    return { credentials: ChannelCredentials.createSsl(ca, key, certificate), options: {} };
  const credentials = ChannelCredentials.createSsl(ca, key, certificate, {
    checkServerIdentity: (_name, peer) => checkServerIdentity(host, peer),
  });
  return { credentials, options: { "grpc.ssl_target_name_override": "troupe-learner" } };
}
