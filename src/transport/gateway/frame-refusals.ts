import type { FrameRefusalReason } from "../../protocol.ts";
import type { RefusedFrame } from "../../replay/log/log-record.ts";
import { type FrameRefusal, FrameRefusalReason as Wire } from "../generated/troupe/v1/actor.ts";

const WIRE_REASONS: Readonly<Record<FrameRefusalReason, Wire>> = {
  checksum: Wire.FRAME_REFUSAL_REASON_CHECKSUM,
  format: Wire.FRAME_REFUSAL_REASON_FORMAT,
  dtype: Wire.FRAME_REFUSAL_REASON_DTYPE,
  shape: Wire.FRAME_REFUSAL_REASON_SHAPE,
  oversize: Wire.FRAME_REFUSAL_REASON_OVERSIZE,
  "early-end": Wire.FRAME_REFUSAL_REASON_EARLY_END,
  flag: Wire.FRAME_REFUSAL_REASON_FLAG,
  "non-finite": Wire.FRAME_REFUSAL_REASON_NON_FINITE,
  "action-range": Wire.FRAME_REFUSAL_REASON_ACTION_RANGE,
};

/** A frame that is refused for good, as it is told. */
export function finalRefusal({ sequence, reason, message }: RefusedFrame): FrameRefusal {
  return { sequence, reason: WIRE_REASONS[reason], message, resend: false };
}

/** A frame that is wanted again. */
export function resendRequest(frame: RefusedFrame): FrameRefusal {
  return { ...finalRefusal(frame), resend: true };
}
