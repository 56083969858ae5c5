/**
 * Segment files: a sequence of frames that is written once and never changed. All numbers are
 * little-endian; CRC-32C (Castagnoli) guards every byte.
 *
 *     header    magic "TRPSEG\r\n" | u32 format version | u32 CRC of these 12 bytes
 *     frame     u32 n, below 2^32 - 1 | u32 CRC of n's 4 bytes and the payload | payload, n bytes
 *     trailer   u32 2^32 - 1 | u32 frames | u32 CRC of these 8 bytes
 *
 * A sealed segment ends with its trailer, so a file cut at a frame's end is noticed too. One that was
 * still open in a crash has none, and perhaps a torn frame at its end.
 */
export const SEGMENT_MAGIC = Buffer.from("TRPSEG\r\n", "latin1");
export const SEGMENT_VERSION = 1;
export const HEADER_BYTES = 16;
export const FRAME_HEAD_BYTES = 8;
export const TRAILER_BYTES = 12;
export const TRAILER_MARK = 0xffff_ffff;
