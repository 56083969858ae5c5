import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seedOf, World } from "./world.ts";

const ACTORS = 3;

type Operation = (world: World, actor: number) => void;

const operations = {
  make: (world, i) => world.actors[i]!.make(false),
  "make bad": (world, i) => world.actors[i]!.make(true),
  connect: (world, i) => world.actors[i]!.connect(),
  up: (world, i) => world.actors[i]!.deliverUp(),
  "up all": (world, i) => times(20, () => world.actors[i]!.deliverUp()),
  down: (world, i) => world.actors[i]!.deliverDown(),
  "down all": (world, i) => times(20, () => world.actors[i]!.deliverDown()),
  corrupt: (world, i) => world.actors[i]!.corrupt(),
  duplicate: (world, i) => world.actors[i]!.duplicate(),
  disconnect: (world, i) => world.actors[i]!.disconnect(),
  "disconnect unheard": (world, i) => world.actors[i]!.disconnect(false),
  beat: (world, i) => world.actors[i]!.beat(),
  take: (world) => world.take(),
  "take all": (world) => times(5, () => world.take()),
  sync: (world) => world.sync(),
  pass: (world) => world.pass(20),
  checkpoint: (world) => world.checkpoint(),
} satisfies Readonly<Record<string, Operation>>;
/** Without these, hardly anything gets through. */
const likely = {
  arrive: (world, i) => arrive(world, i),
  "make and exchange": (world, i) => {
    times(2, () => world.actors[i]!.make(false));
    exchange(world, i);
  },
  exchange: (world, i) => exchange(world, i),
} satisfies Readonly<Record<string, Operation>>;
const rare = {
  "restart actor": (world, i) => world.actors[i]!.restart(),
  "crash learner": (world) => world.crash(),
} satisfies Readonly<Record<string, Operation>>;

function exchange(world: World, index: number): void {
  const actor = world.actors[index]!;
  times(20, () => actor.deliverUp());
  world.pass(20);
  times(20, () => actor.deliverDown());
}

function arrive(world: World, index: number): void {
  world.actors[index]!.connect();
  world.actors[index]!.deliverUp();
  world.sync();
  exchange(world, index);
}

function times(count: number, act: () => void): void {
  for (let i = 0; i < count; i++) act();
}

const everything: Readonly<Record<string, Operation>> = { ...operations, ...likely, ...rare };

/** What happens, and to which actor. */
type Step = readonly [name: string, actor: number];

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.tuple(
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...Object.keys(operations)) },
      { weight: 8, arbitrary: fc.constantFrom(...Object.keys(likely)) },
      { weight: 1, arbitrary: fc.constantFrom(...Object.keys(rare)) },
    ),
    fc.nat(ACTORS - 1),
  ),
  { maxLength: 120, size: "max" },
);

/** A learner that has forgotten everybody gives out an identity that somebody still has, and is forgotten, too. */
const mistaken: Step[] = [
  ...([
    ["arrive", 0],
    ["arrive", 1],
    ["crash learner", 0],
    ["arrive", 2],
    ["arrive", 0],
  ] as const),
  ...([
    ["make and exchange", 0],
    ["take", 0],
    ["checkpoint", 0],
  ] as const),
  ...([
    ["crash learner", 0],
    ["arrive", 1],
  ] as const),
];

/** Lets everything that is under way arrive. */
function settle(world: World): void {
  for (let round = 0; round < 60; round++) {
    for (const actor of world.actors) {
      actor.connect();
      times(10, () => actor.deliverUp());
      actor.beat();
    }
    world.sync();
    times(10, () => world.take());
    world.pass(100);
    for (const actor of world.actors) times(10, () => actor.deliverDown());
  }
}

describe("Gateway", () => {
  test("takes every frame once and in order, whatever breaks and whoever restarts", () => {
    let welcomed = 0;
    fc.assert(
      fc.property(steps, (script) => {
        const world = new World(ACTORS, "log");
        for (const [name, actor] of script) {
          everything[name]!(world, actor);
          expect(new Set(world.ring).size).toBe(world.ring.length);
        }
        settle(world);
        expect(world.protocolErrors).toEqual([]);
        // Replay holds the log's unrolls, in its order, each once.
        const logged = world.logged;
        expect(world.ring).toEqual(logged.map(({ payload }) => seedOf(payload)));
        const sequences = new Map<string, number>();
        for (const { slot, incarnation, sequence } of logged) {
          const key = `${slot}/${incarnation}`;
          expect(sequence).toBeGreaterThan(sequences.get(key) ?? -1);
          sequences.set(key, sequence);
        }
        for (const actor of world.actors) {
          // Nothing is left behind; what was made is in replay or was refused, and the actor knows which.
          expect([actor.isOpen, actor.kept]).toEqual([true, 0]);
          welcomed++;
          expect(actor.durable.filter((seed) => !world.ring.includes(seed))).toEqual([]);
          expect([...actor.durable, ...actor.refused].sort()).toEqual(
            [...actor.good, ...actor.bad].sort(),
          );
          expect(actor.bad.filter((seed) => !actor.refused.includes(seed))).toEqual([]);
        }
      }),
      { numRuns: 200 },
    );
    expect(welcomed).toBeGreaterThan(0);
  }, 90_000); // 200 worlds of up to 120 steps.

  test("without a log takes no frame twice, and leaves nobody behind", () => {
    fc.assert(
      fc.property(steps, (script) => {
        const world = new World(ACTORS, "memory");
        for (const [name, actor] of script) {
          everything[name]!(world, actor);
          expect(new Set(world.ring).size).toBe(world.ring.length);
        }
        settle(world);
        expect(world.protocolErrors).toEqual([]);
        expect(new Set(world.ring).size).toBe(world.ring.length);
        for (const [index, actor] of world.actors.entries()) {
          expect([actor.isOpen, actor.kept]).toEqual([true, 0]);
          // Seeds of an actor rise as it makes them.
          const mine = world.ring.filter((seed) => Math.floor(seed / 100_000) === index);
          expect(mine).toEqual([...mine].sort((a, b) => a - b));
        }
      }),
      { numRuns: 200, examples: [[mistaken]] },
    );
  }, 90_000);
});
