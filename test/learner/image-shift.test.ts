import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ImageSpace } from "../../src/envs/env.ts";
import { ImageShift } from "../../src/learner/image-shift.ts";
import { RandomStream } from "../../src/math/random.ts";
import { createBatch } from "../../src/replay/batch.ts";

const IMAGE: ImageSpace = { height: 5, width: 4, channels: 2, stack: 3 };
const PLANE = IMAGE.height * IMAGE.width;
const SIZE = PLANE * IMAGE.channels * IMAGE.stack;

/** Pads a plane by `reach`, repeating its edges, and cuts a window out at (top, left) of the padded one. */
function padAndCrop(
  plane: readonly number[],
  reach: number,
  [top, left]: readonly [number, number],
): number[] {
  const { height, width } = IMAGE;
  const edge = (at: number, length: number): number => Math.min(Math.max(at, 0), length - 1);
  return plane.map((_, p) => {
    const [y, x] = [Math.floor(p / width) + top - reach, (p % width) + left - reach];
    return plane[edge(y, height) * width + edge(x, width)] ?? Number.NaN;
  });
}

const planes = (image: Iterable<number>): number[][] => {
  const all = [...image];
  return Array.from({ length: all.length / PLANE }, (_, k) =>
    all.slice(k * PLANE, (k + 1) * PLANE),
  );
};

describe("ImageShift", () => {
  test("is a crop of the padded image, the same of every channel and frame", () => {
    const offset = fc.integer({ min: 0, max: 8 });
    const bytes = fc.uint8Array({ minLength: SIZE, maxLength: SIZE });
    fc.assert(
      fc.property(bytes, offset, offset, (image, top, left) => {
        const moved = image.slice();
        new ImageShift(IMAGE, 4).shift(moved, 4 - top, 4 - left);
        const expected = planes(image).map((plane) => padAndCrop(plane, 4, [top, left]));
        expect(planes(moved)).toEqual(expected);
      }),
    );
  });

  test("moves every image of a batch for itself, by any of the 81 shifts, and follows its stream", () => {
    const shape = { batchSize: 1500, observationSize: SIZE / 3, frameStack: 3, actionSize: 1 };
    const draw = (seed: number) => {
      const batch = createBatch(shape);
      for (const column of [batch.observations, batch.nextObservations]) {
        // A dot in the middle of every plane, where it can leave the image.
        for (let i = 0; i < column.length; i++) column[i] = i % PLANE === 9 ? 200 : 0;
      }
      new ImageShift(IMAGE, 1).apply(batch, RandomStream.derive(seed));
      return batch;
    };
    const { observations, nextObservations } = draw(1);
    const dots = (column: ArrayLike<number>): number[] =>
      Array.from({ length: shape.batchSize }, (_, b) => {
        return Array.from({ length: PLANE }, (_, p) => column[b * SIZE + p]).indexOf(200);
      });
    const [first, second] = [dots(observations), dots(nextObservations)];
    expect(new Set(first)).toEqual(new Set([4, 5, 6, 8, 9, 10, 12, 13, 14]));
    expect(first).not.toEqual(second);
    expect(draw(1).observations).toEqual(observations);
    expect(draw(2).observations).not.toEqual(observations);
  });
});
