/** What an MP4 or GIF file says of itself; no pixel is decoded. */
export interface FilmFacts {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly seconds: number;
}

/** Source: ISO/IEC 14496-12, the boxes of its section 8. */
export function readMp4(file: Uint8Array): FilmFacts {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const media = find(view, "moov", "trak", "mdia");
  const samples = find(view, "moov", "trak", "mdia", "minf", "stbl", "stsz");
  const header = find(view, "moov", "trak", "mdia", "mdhd");
  // The one entry of stsd, a VisualSampleEntry.
  const description = find(view, "moov", "trak", "mdia", "minf", "stbl", "stsd") + 16;
  if (media < 0 || text(view, description + 4) !== "avc1") throw new Error("no H.264");
  return {
    width: view.getUint16(description + 32),
    height: view.getUint16(description + 34),
    frames: view.getUint32(samples + 16),
    seconds: view.getUint32(header + 24) / view.getUint32(header + 20),
  };
}

/** Where the box at the end of `path` begins. */
function find(view: DataView, ...path: string[]): number {
  let [from, to] = [0, view.byteLength];
  for (const [depth, name] of path.entries()) {
    let at = from;
    while (at < to && text(view, at + 4) !== name) at += view.getUint32(at);
    if (at >= to) throw new Error(`no box ${path.slice(0, depth + 1).join(".")}`);
    if (depth === path.length - 1) return at;
    [from, to] = [at + 8, at + view.getUint32(at)];
  }
  throw new Error("no path");
}

function text(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}

/** Source: GIF89a specification, CompuServe 1990. */
export function readGif(file: Uint8Array): FilmFacts {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const tableBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  const skipBlocks = (at: number): number => {
    let next = at;
    while (view.getUint8(next) !== 0) next += 1 + view.getUint8(next);
    return next + 1;
  };
  let at = 13 + tableBytes(view.getUint8(10));
  let [frames, hundredths] = [0, 0];
  for (;;) {
    const kind = view.getUint8(at);
    if (kind === 0x3b) break;
    if (kind === 0x2c) {
      frames++;
      at = skipBlocks(at + 11 + tableBytes(view.getUint8(at + 9)));
    } else if (kind === 0x21) {
      if (view.getUint8(at + 1) === 0xf9) hundredths += view.getUint16(at + 4, true);
      at = skipBlocks(at + 2);
    } else throw new Error(`block ${kind} at ${at}`);
  }
  if (at !== view.byteLength - 1) throw new Error("bytes after the end");
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  return { width, height, frames, seconds: hundredths / 100 };
}
