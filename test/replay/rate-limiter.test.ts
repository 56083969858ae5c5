import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type LimiterOptions,
  RateLimiter,
  smallestErrorBuffer,
} from "../../src/replay/rate-limiter.ts";

/** Replay as the limiter sees it. */
interface World {
  size: number;
}

const OPTIONS: LimiterOptions = {
  samplesPerInsert: 256,
  minSize: 1000,
  errorBuffer: 4096,
  batchSize: 256,
  unrollLength: 8,
  guaranteedSize: 5000,
};

/** Options that keep the no-deadlock rule, by 0 or more. */
const legalOptions = fc
  .record({
    samplesPerInsert: fc.oneof(
      fc.integer({ min: 1, max: 64 }),
      fc.double({ min: 0.05, max: 40, noNaN: true }),
    ),
    minSize: fc.integer({ min: 1, max: 200 }),
    batchSize: fc.integer({ min: 1, max: 100 }),
    unrollLength: fc.integer({ min: 1, max: 20 }),
    slack: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 500, noNaN: true })),
    room: fc.integer({ min: 0, max: 300 }),
  })
  .map(({ slack, room, ...options }) => ({
    ...options,
    errorBuffer: smallestErrorBuffer(options) + slack,
    guaranteedSize: options.minSize + room,
  }));

/** Who tries next, and how many transitions an insert has (as a part of the longest). */
const moves = fc.array(
  fc.record({ side: fc.boolean(), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  {
    maxLength: 300,
  },
);

function insert(limiter: RateLimiter, world: World, count: number): boolean {
  if (!limiter.canInsert(count)) return false;
  world.size += count;
  limiter.inserted(count);
  return true;
}

function draw(limiter: RateLimiter, count: number): boolean {
  if (!limiter.canSample(count)) return false;
  limiter.sampled(count);
  return true;
}

function insertLength(options: LimiterOptions, part: number): number {
  return 1 + Math.floor(part * (options.unrollLength - 1));
}

/** Plays the moves, replay holding `guaranteedSize` at most; calls `after` behind each. */
function play(
  game: { limiter: RateLimiter; world: World; options: LimiterOptions },
  list: readonly { side: boolean; part: number }[],
  after: () => void = () => {},
): void {
  const { limiter, world, options } = game;
  for (const { side, part } of list) {
    if (side) insert(limiter, world, insertLength(options, part));
    else draw(limiter, options.batchSize);
    world.size = Math.min(world.size, options.guaranteedSize);
    after();
  }
}

function start(options: LimiterOptions): {
  limiter: RateLimiter;
  world: World;
  options: LimiterOptions;
} {
  const world = { size: 0 };
  return { limiter: new RateLimiter(options, () => world.size), world, options };
}

function expectSomebodyMayGo(limiter: RateLimiter, options: LimiterOptions): void {
  const may = limiter.canSample(options.batchSize) || limiter.canInsert(options.unrollLength);
  expect(may).toBe(true);
  expect(["nobody", "learner", "actors"]).toContain(limiter.explain().waiting);
}

describe("RateLimiter", () => {
  test("never lets both sides wait for each other", () => {
    fc.assert(
      fc.property(legalOptions, moves, (options, list) => {
        const game = start(options);
        play(game, list, () => expectSomebodyMayGo(game.limiter, options));
      }),
    );
  });

  test("keeps the error in its band, once warm", () => {
    fc.assert(
      fc.property(legalOptions, moves, (options, list) => {
        const game = start(options);
        const { limiter, world } = game;
        // The last warm-up insert may go over the edge by one unroll; nothing else may.
        const overshoot = options.unrollLength * options.samplesPerInsert;
        play(game, list, () => {
          const rounding = 1e-9 * (limiter.high + limiter.samples);
          if (world.size < options.minSize) return expect(limiter.samples).toBe(0);
          expect(limiter.error).toBeGreaterThanOrEqual(limiter.low - rounding);
          const most = Math.max(
            limiter.high,
            limiter.minSize * options.samplesPerInsert + overshoot,
          );
          return expect(limiter.error).toBeLessThanOrEqual(most + rounding);
        });
      }),
    );
  });

  test("holds the ratio of draws to inserts over a long run", () => {
    const game = start(OPTIONS);
    for (let i = 0; i < 20_000; i++) {
      insert(game.limiter, game.world, 8);
      draw(game.limiter, 256);
    }
    const { inserts, samples } = game.limiter;
    const ratio = samples / (inserts - OPTIONS.minSize);
    expect(inserts).toBeGreaterThan(10_000);
    expect(Math.abs(ratio - 256)).toBeLessThan((2 * OPTIONS.errorBuffer) / (inserts - 1000));
  });

  test("warm-up steps owe no updates: the learner may go its buffer ahead, not minSize steps", () => {
    const { limiter, world } = start(OPTIONS);
    while (world.size < OPTIONS.minSize) {
      expect(draw(limiter, 256)).toBe(false);
      insert(limiter, world, 8);
    }
    expect(limiter.error).toBe((limiter.low + limiter.high) / 2);
    let batches = 0;
    while (draw(limiter, 256)) batches += 1;
    expect(batches).toBe(OPTIONS.errorBuffer / 256);
  });

  test("inserts pass up to minSize, whatever the error; from there on they must keep the band", () => {
    const options = { ...OPTIONS, errorBuffer: smallestErrorBuffer(OPTIONS) };
    const { limiter, world } = start(options);
    for (let i = 0; i < 125; i++) insert(limiter, world, 8);
    expect(world.size).toBe(options.minSize);
    expect(limiter.error + 8 * 256).toBeGreaterThan(limiter.high);
    expect(insert(limiter, world, 8)).toBe(false);
  });

  test("a replay that never holds more than minSize keeps the band, too", () => {
    const { limiter, world } = start({ ...OPTIONS, guaranteedSize: OPTIONS.minSize });
    for (let i = 0; i < 200; i++) {
      insert(limiter, world, 8);
      world.size = Math.min(world.size, OPTIONS.minSize);
    }
    expect(limiter.error).toBeLessThanOrEqual(limiter.high);
    expect(limiter.explain().waiting).toBe("actors");
  });

  test("refuses a band in which both could wait, and says which would do", () => {
    const needed = smallestErrorBuffer(OPTIONS);
    expect(needed).toBe(1152);
    expect(() => start({ ...OPTIONS, errorBuffer: needed })).not.toThrow();
    expect(() => start({ ...OPTIONS, errorBuffer: needed - 1 })).toThrow(
      "replay.errorBuffer 1151 is too small: 2 x 1151 < batch 256 + unroll 8 x samplesPerInsert 256, " +
        "so actors and learner could wait for each other for ever; use at least 1152",
    );
  });

  test("a band narrower than the rule can indeed deadlock", () => {
    // The rule is no mere caution: with 2 x buffer one less than needed there is an error for which
    // neither inequality holds.
    const options = {
      ...OPTIONS,
      samplesPerInsert: 1,
      errorBuffer: 7,
      batchSize: 8,
      unrollLength: 8,
    };
    const [low, high] = [1000 - 7, 1000 + 7];
    const error = low + options.batchSize - 1;
    expect(error - options.batchSize >= low).toBe(false);
    expect(error + options.unrollLength * options.samplesPerInsert <= high).toBe(false);
    expect(() => start(options)).toThrow("use at least 8");
  });

  test.each([
    ["samplesPerInsert 0", { samplesPerInsert: 0 }],
    ["samplesPerInsert NaN", { samplesPerInsert: Number.NaN }],
    ["minSize 0", { minSize: 0 }],
    ["minSize 1.5", { minSize: 1.5 }],
    ["sampling starts at 5001 transitions", { minSize: 5001 }],
    ["errorBuffer Infinity", { errorBuffer: Infinity }],
  ])("refuses %s", (sentence, change) => {
    expect(() => start({ ...OPTIONS, ...change })).toThrow(sentence);
    expect(() => start(OPTIONS).limiter.tune(change)).toThrow(sentence);
  });

  test("explains who waits, on which inequality, and what frees them", () => {
    const { limiter, world } = start(OPTIONS);
    expect(limiter.explain()).toMatchObject({
      waiting: "learner",
      sentence:
        "the learner waits: it needs size >= minSize, but 0 < 1000; 1000 more inserts free it",
    });
    for (let i = 0; i < 125; i++) insert(limiter, world, 8);
    expect(limiter.explain()).toMatchObject({ waiting: "nobody", error: 256_000 });
    while (draw(limiter, 256));
    expect(limiter.explain().sentence).toBe(
      "the learner waits: it needs error - 256 >= low, but 251904 - 256 < 251904; 1 more inserts free it",
    );
    while (insert(limiter, world, 8));
    expect(limiter.explain()).toMatchObject({
      waiting: "actors",
      sentence:
        "the actors wait: they need error + 8 x 256 <= high, but 260096 + 2048 > 260096; " +
        "8 more batches free them",
    });
  });

  test("what it says would free a side does free it, and one less does not", () => {
    fc.assert(
      fc.property(legalOptions, moves, (options, list) => {
        const { limiter, world } = { ...start(options) };
        play({ limiter, world, options }, list);
        const { waiting, sentence } = limiter.explain();
        const needed = Number(/(\d+) more/.exec(sentence)?.[1] ?? 0);
        const step = (): void => {
          if (waiting === "learner") {
            world.size += 1;
            limiter.inserted(1);
          } else limiter.sampled(options.batchSize);
        };
        const free = (): boolean =>
          waiting === "learner"
            ? limiter.canSample(options.batchSize)
            : limiter.canInsert(options.unrollLength);
        fc.pre(waiting !== "nobody");
        for (let i = 0; i < needed; i++) {
          expect(free()).toBe(false);
          step();
        }
        // A size that was short may leave the error short too: then the next explanation says so.
        if (!sentence.includes("size >=")) expect(free()).toBe(true);
      }),
    );
  });
});

describe("RateLimiter, restored or tuned", () => {
  test("goes on exactly where it was when nothing changed", () => {
    fc.assert(
      fc.property(legalOptions, moves, moves, (options, before, after) => {
        const game = start(options);
        play(game, before);
        // Leaves the settings as they were, but the error at another distance from zero.
        const { samplesPerInsert, errorBuffer } = options;
        const other = { samplesPerInsert: samplesPerInsert / 3, errorBuffer: errorBuffer + 1 };
        game.limiter.tune(other);
        game.limiter.tune({ samplesPerInsert, errorBuffer });
        const world = { ...game.world };
        const state = JSON.parse(JSON.stringify(game.limiter.state()));
        const limiter = RateLimiter.restore(options, () => world.size, state);
        expect(limiter.state()).toEqual(state);
        const restored = { limiter, world, options };
        for (const move of after) {
          play(game, [move]);
          play(restored, [move]);
          expect(limiter.state()).toEqual(game.limiter.state());
        }
      }),
    );
  });

  const changed = fc.record({
    before: legalOptions,
    after: legalOptions,
    list: moves,
    more: moves,
  });

  test("neither owes a burst nor deadlocks after any change of settings, restored or tuned", () => {
    fc.assert(
      fc.property(changed, fc.boolean(), ({ before, after, list, more }, tuned) => {
        const game = start(before);
        play(game, list);
        const { world } = game;
        // Tuning cannot change what one draw and one insert are.
        const options = tuned
          ? {
              ...before,
              samplesPerInsert: after.samplesPerInsert,
              minSize: Math.min(after.minSize, before.guaranteedSize),
              errorBuffer: smallestErrorBuffer({
                ...before,
                ...{ samplesPerInsert: after.samplesPerInsert },
              }),
            }
          : { ...after, guaranteedSize: Math.max(after.guaranteedSize, world.size) };
        if (tuned) game.limiter.tune(options);
        const limiter = tuned
          ? game.limiter
          : RateLimiter.restore(options, () => world.size, game.limiter.state());
        const resumed = { limiter, world, options };
        // Warm up again if minSize rose, then see how far each side may run alone.
        while (world.size < options.minSize) expect(insert(limiter, world, 1)).toBe(true);
        const band = 2 * options.errorBuffer;
        const rounding = 1e-9 * (limiter.samples + Math.abs(limiter.error) + 1);
        expect(Math.abs(limiter.error - (limiter.low + limiter.high) / 2)).toBeLessThanOrEqual(
          options.errorBuffer + rounding,
        );
        expect(limiter.error - limiter.low).toBeLessThanOrEqual(band + rounding);
        play(resumed, more, () => expectSomebodyMayGo(limiter, options));
      }),
    );
  });

  test("owes nothing when replay was lost: warm-up again, then the band's centre", () => {
    const game = start(OPTIONS);
    for (let i = 0; i < 5000; i++) {
      insert(game.limiter, game.world, 8);
      draw(game.limiter, 256);
    }
    const lead = game.limiter.error - 256_000;
    const world = { size: 0 };
    const limiter = RateLimiter.restore(OPTIONS, () => world.size, game.limiter.state());
    expect(limiter.canSample(256)).toBe(false);
    while (world.size < OPTIONS.minSize) expect(insert(limiter, world, 8)).toBe(true);
    expect(limiter.error).toBe(256_000 + lead);
    expect(limiter.inserts).toBe(game.limiter.inserts + 1000);
  });

  test("a changed ratio keeps the distance from the centre and the true counts", () => {
    const { limiter, world } = start(OPTIONS);
    for (let i = 0; i < 125; i++) insert(limiter, world, 8);
    draw(limiter, 256);
    draw(limiter, 256);
    limiter.tune({ samplesPerInsert: 32 });
    expect(limiter.error).toBe(32_000 - 512);
    expect(limiter).toMatchObject({ inserts: 1000, samples: 512 });
  });
});
