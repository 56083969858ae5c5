/** Turns pictures of one size into the bytes of a film. */
export interface FilmEncoder {
  /** @param pixels [height, width, 3] red, green and blue from the top left; read during the call only. */
  add(pixels: Uint8Array): void;
  /** The whole file; nothing can be added afterwards. */
  finish(): Uint8Array;
  /** Frees what is held outside the JavaScript heap. */
  close(): void;
}

export interface FilmFormat {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
}
