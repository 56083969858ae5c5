/** Bytes and numbers that parsers get wrong: ends of ranges, and the heads of msgpack and protobuf. */
const BYTES = [
  0, 1, 0x7f, 0x80, 0x81, 0x90, 0xa0, 0xc0, 0xc1, 0xc6, 0xc9, 0xd4, 0xdd, 0xdf, 0xfe, 0xff,
];
const WORDS = [
  0, 1, 0x7f, 0xff, 0x100, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];

/** Each takes bytes and a RandomStream and returns other bytes, which may be the same array. */
const MUTATIONS = [
  function flipBits(bytes, random) {
    for (let n = 1 + random.integer(8); n > 0; n--) {
      bytes[random.integer(bytes.length)] ^= 1 << random.integer(8);
    }
    return bytes;
  },
  function putBytes(bytes, random) {
    for (let n = 1 + random.integer(4); n > 0; n--) {
      bytes[random.integer(bytes.length)] = BYTES[random.integer(BYTES.length)];
    }
    return bytes;
  },
  // Near the start, where heads and lengths are.
  function putBytesEarly(bytes, random) {
    for (let n = 1 + random.integer(4); n > 0; n--) {
      bytes[random.integer(Math.min(64, bytes.length))] = random.integer(256);
    }
    return bytes;
  },
  function putWord(bytes, random) {
    if (bytes.length < 4) return bytes;
    const at = random.integer(bytes.length - 3);
    const word = WORDS[random.integer(WORDS.length)];
    if (random.uniform() < 0.5) bytes.writeUInt32LE(word, at);
    else bytes.writeUInt32BE(word, at);
    return bytes;
  },
  function cutEnd(bytes, random) {
    return bytes.subarray(0, random.integer(bytes.length + 1));
  },
  function addToEnd(bytes, random) {
    return Buffer.concat([bytes, noise(1 + random.integer(64), random)]);
  },
  function remove(bytes, random) {
    const from = random.integer(bytes.length);
    const to = Math.min(bytes.length, from + 1 + random.integer(32));
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  function insert(bytes, random) {
    const at = random.integer(bytes.length + 1);
    return Buffer.concat([
      bytes.subarray(0, at),
      noise(1 + random.integer(32), random),
      bytes.subarray(at),
    ]);
  },
  function repeat(bytes, random) {
    const from = random.integer(bytes.length);
    const piece = bytes.subarray(from, from + 1 + random.integer(200));
    const times = 1 + random.integer(50);
    return Buffer.concat([
      bytes.subarray(0, from),
      ...Array.from({ length: times }, () => piece),
      bytes.subarray(from),
    ]);
  },
  // Depth: one byte that opens something, many times.
  function nest(bytes, random) {
    const at = random.integer(Math.min(64, bytes.length) + 1);
    const opener = [0x81, 0x91, 0x80, 0x90, 0x0a, 0x12][random.integer(6)];
    const depth = 1 << random.integer(18);
    return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(depth, opener), bytes.subarray(at)]);
  },
  function onlyNoise(_bytes, random) {
    return noise(random.integer(512), random);
  },
];

function noise(length, random) {
  return Buffer.from(Uint8Array.from({ length }, () => random.integer(256)));
}

/** One to four mutations of a copy of `original`. */
export function mutated(original, random) {
  let bytes = Buffer.from(original);
  for (let n = 1 + random.integer(4); n > 0 && bytes.length > 0; n--) {
    bytes = MUTATIONS[random.integer(MUTATIONS.length)](bytes, random);
  }
  return bytes;
}
