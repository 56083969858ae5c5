/** What both sides speak: version 1 of proto/troupe/v1 and docs/protocol.md. */
export const PROTOCOL_VERSION = 1;
