import { z } from "zod";

/** Float64 values as text: their bytes, little-endian, in base64. JSON numbers would lose -0. */
export const float64Text = z
  .base64()
  .refine((text) => Buffer.byteLength(text, "base64") % 8 === 0, "expected whole float64 values");

export function encodeFloat64(values: Float64Array): string {
  const { buffer, byteOffset, byteLength } = values;
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

/** @param text As `float64Text` accepts it. */
export function decodeFloat64(text: string): Float64Array {
  const bytes = Buffer.from(text, "base64");
  const values = new Float64Array(bytes.length / Float64Array.BYTES_PER_ELEMENT);
  new Uint8Array(values.buffer).set(bytes);
  return values;
}
