import { RefusalReason } from "../generated/troupe/v1/actor.ts";

/** Why sessions were refused, as metrics name it. */
export const refusalNames: Readonly<Record<RefusalReason, string>> = {
  [RefusalReason.REFUSAL_REASON_UNSPECIFIED]: "unspecified",
  [RefusalReason.REFUSAL_REASON_PROTOCOL_VERSION]: "protocol-version",
  [RefusalReason.REFUSAL_REASON_RUN]: "run",
  [RefusalReason.REFUSAL_REASON_ENV]: "env",
  [RefusalReason.REFUSAL_REASON_SHAPE]: "shape",
  [RefusalReason.REFUSAL_REASON_FENCED]: "fenced",
  [RefusalReason.REFUSAL_REASON_PROTOCOL]: "protocol",
  [RefusalReason.REFUSAL_REASON_FULL]: "full",
  [RefusalReason.REFUSAL_REASON_SILENT]: "silent",
  [RefusalReason.REFUSAL_REASON_SUPERSEDED]: "superseded",
};
