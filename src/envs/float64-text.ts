/** The bytes of `values`, little-endian, in base64: JSON text would lose -0 and NaN. */
export function encodeFloat64(values: Float64Array): string {
  const { buffer, byteOffset, byteLength } = values;
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

/** The inverse of `encodeFloat64`. @throws RangeError when the text holds no whole number of values. */
export function decodeFloat64(text: string): Float64Array {
  const bytes = Buffer.from(text, "base64");
  const values = new Float64Array(bytes.length / Float64Array.BYTES_PER_ELEMENT);
  new Uint8Array(values.buffer).set(bytes);
  return values;
}
