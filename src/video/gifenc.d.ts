/** The part of gifenc used here; the package declares no types. */
declare module "gifenc" {
  namespace gifenc {
    type Palette = readonly (readonly [number, number, number])[];

    interface GifFrameOptions {
      readonly palette?: Palette;
      /** Milliseconds. */
      readonly delay?: number;
      /** 1: the frame stays, and the next is drawn over it. */
      readonly dispose?: number;
      readonly transparent?: boolean;
      readonly transparentIndex?: number;
    }

    interface GifStream {
      writeFrame(
        colours: Uint8Array,
        width: number,
        height: number,
        options: GifFrameOptions,
      ): void;
      finish(): void;
      bytes(): Uint8Array;
    }
  }

  const gifenc: {
    GIFEncoder(): gifenc.GifStream;
    quantize(rgba: Uint8Array, maxColours: number): gifenc.Palette;
    applyPalette(rgba: Uint8Array, palette: gifenc.Palette): Uint8Array<ArrayBuffer>;
  };
  export = gifenc;
}
