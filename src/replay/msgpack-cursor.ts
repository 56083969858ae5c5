/** What a value is. ext, floats, nil and booleans are `other`. */
export type MsgpackKind = "map" | "array" | "string" | "binary" | "integer" | "other";

/** The bytes are no msgpack, or end too early. */
export class MalformedMsgpack extends Error {}

/** How the head of a value with a token from 0xc0 to 0xdf goes on. */
interface Form {
  readonly kind: MsgpackKind;
  /** Bytes of the length or integer that follows, big-endian. */
  readonly width: 0 | 1 | 2 | 4 | 8;
  readonly signed?: boolean;
  /** Bytes after it, besides those that it counts. */
  readonly more: number;
}

const FORMS = makeForms();

function makeForms(): readonly (Form | undefined)[] {
  const forms: (Form | undefined)[] = new Array(32).fill(undefined);
  const widths = [1, 2, 4, 8] as const;
  const add = (token: number, form: Form): void => {
    forms[token - 0xc0] = form;
  };
  // nil, false, true; 0xc1 is never used.
  for (const token of [0xc0, 0xc2, 0xc3]) add(token, { kind: "other", width: 0, more: 0 });
  for (const [i, width] of widths.slice(0, 3).entries()) {
    add(0xc4 + i, { kind: "binary", width, more: 0 });
    // The type of an extension is one byte more.
    add(0xc7 + i, { kind: "other", width, more: 1 });
    add(0xd9 + i, { kind: "string", width, more: 0 });
  }
  add(0xca, { kind: "other", width: 0, more: 4 });
  add(0xcb, { kind: "other", width: 0, more: 8 });
  for (const [i, width] of widths.entries()) {
    add(0xcc + i, { kind: "integer", width, more: 0 });
    add(0xd0 + i, { kind: "integer", width, signed: true, more: 0 });
  }
  for (const [i, bytes] of [1, 2, 4, 8, 16].entries()) {
    add(0xd4 + i, { kind: "other", width: 0, more: bytes + 1 });
  }
  for (const [i, width] of [2, 4].entries()) {
    add(0xdc + i, { kind: "array", width: width as 2 | 4, more: 0 });
    add(0xde + i, { kind: "map", width: width as 2 | 4, more: 0 });
  }
  return forms;
}

/**
 * Walks through msgpack without building anything of it. What that costs is bounded by the number of
 * bytes, whatever they say: a general decoder can be made to spend seconds and gigabytes on a frame of a
 * few megabytes (millions of empty maps, an integer of a million digits).
 *
 * Source: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export class MsgpackCursor {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Of the head last read: entries of a map, elements of an array, bytes of the rest, or an integer. */
  #size = 0;

  /** Begins at the first of `bytes`, which may be a view of others. */
  start(bytes: Uint8Array): void {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Bytes passed so far. */
  get position(): number {
    return this.#at;
  }

  /** Entries, elements, bytes or the value of what `open` found. */
  get size(): number {
    return this.#size;
  }

  /**
   * Reads the head of the next value; its entries, elements or bytes follow, and are the caller's to read.
   * @throws MalformedMsgpack
   */
  open(): MsgpackKind {
    const token = this.#unsigned(1);
    if (token < 0x80) return this.#opened("integer", token);
    if (token < 0x90) return this.#opened("map", token & 0x0f);
    if (token < 0xa0) return this.#opened("array", token & 0x0f);
    if (token < 0xc0) return this.#opened("string", token & 0x1f);
    if (token >= 0xe0) return this.#opened("integer", token - 0x100);
    const form = FORMS[token - 0xc0];
    if (!form) throw new MalformedMsgpack(`no value begins with the byte ${token}`);
    const { kind, width, more } = form;
    const size = form.signed ? this.#signed(width) : this.#unsigned(width);
    return this.#opened(kind, size + more);
  }

  /** The bytes of the string that was opened, as text; at most 64 of them. A short one is taken for ASCII. */
  text(): string {
    const start = this.#at;
    this.#advance(this.#size);
    if (this.#size > SHORT) {
      return this.#bytes.toString("utf8", start, Math.min(this.#at, start + MOST_TEXT));
    }
    let text = "";
    for (let at = start; at < this.#at; at++) text += String.fromCharCode(this.#bytes[at] ?? 0);
    return text;
  }

  /** The bytes that were opened, a view. */
  binary(): Uint8Array {
    const start = this.#at;
    this.#advance(this.#size);
    return this.#bytes.subarray(start, this.#at);
  }

  /** Goes to the end of what was opened as `kind`, or to that of the next value. */
  skip(opened?: MsgpackKind): void {
    // Heads still to come. Each takes a byte, so this ends; no recursion, so depth costs nothing.
    let left = 0;
    for (let kind = opened ?? this.open(); ; kind = this.open()) {
      if (kind === "map") left += 2 * this.#size;
      else if (kind === "array") left += this.#size;
      else if (kind !== "integer") this.#advance(this.#size);
      if (left === 0) return;
      left -= 1;
    }
  }

  #opened(kind: MsgpackKind, size: number): MsgpackKind {
    this.#size = size;
    return kind;
  }

  #advance(bytes: number): void {
    if (bytes > this.#bytes.length - this.#at) throw new MalformedMsgpack("it ends too early");
    this.#at += bytes;
  }

  #unsigned(width: Form["width"]): number {
    const at = this.#at;
    this.#advance(width);
    switch (width) {
      case 0:
        return 0;
      case 1:
        return this.#bytes[at] ?? 0;
      case 2:
        return this.#bytes.readUInt16BE(at);
      case 4:
        return this.#bytes.readUInt32BE(at);
      case 8:
        // Above 2^53 it is not exact, and too large for anything.
        return Number(this.#bytes.readBigUInt64BE(at));
    }
  }

  #signed(width: Form["width"]): number {
    const at = this.#at;
    this.#advance(width);
    return width === 8 ? Number(this.#bytes.readBigInt64BE(at)) : this.#bytes.readIntBE(at, width);
  }
}

/** Up to here a loop beats a call of the runtime: names take most of the time of a payload. */
const SHORT = 16;
/** Longer than any name or type; what is longer only serves a message. */
const MOST_TEXT = 64;
