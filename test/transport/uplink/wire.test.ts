import fc from "fast-check";
import { expect, test } from "vitest";
import { ActorMessage } from "../../../src/transport/generated/troupe/v1/actor.ts";
import { encodeFrame, encodeMessage } from "../../../src/transport/uplink/wire.ts";

test("a frame is written as the generated code writes it", () => {
  const numbers = fc.oneof(
    fc.nat(300),
    fc.constantFrom(127, 128, 16_383, 16_384, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
    fc.maxSafeNat(),
  );
  const checksums = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const payloads = fc.uint8Array({ minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(numbers, checksums, payloads, (sequence, checksum, bytes) => {
      const payload = Buffer.from(bytes);
      const ours = encodeFrame({ sequence, checksum, payload, steps: 1, sentAt: 0 });
      const value = { sequence, checksum, payload };
      expect(ours).toEqual(encodeMessage({ $case: "frame", value }));
      expect(ActorMessage.decode(ours).message).toEqual({ $case: "frame", value });
    }),
  );
});
