import { describe, expect, test } from "vitest";
import { crashFault, episodeFault } from "../../src/actors/env-fault.ts";
import { EnvStream, type EpisodeEnd } from "../../src/actors/env-stream.ts";
import { hungMessage } from "../../src/actors/heartbeat.ts";
import type { ResetResult, StepResult } from "../../src/envs/env.ts";
import { RunError } from "../../src/errors.ts";
import { type Fault, FaultyEnv } from "./faulty-env.ts";

/** Gives observations of the wrong length, or resets that fail. */
class OddEnv extends FaultyEnv {
  readonly #resetResult: () => ArrayLike<number>;

  constructor(resetResult: () => ArrayLike<number>) {
    super(5);
    this.#resetResult = resetResult;
  }

  override reset(): ResetResult {
    return { ...super.reset(), observation: Float64Array.from(this.#resetResult()) };
  }

  override step(action: ArrayLike<number>): StepResult {
    return { ...super.step(action), observation: Float64Array.of(1, 2) };
  }
}

function streamOf(env: FaultyEnv): EnvStream {
  return new EnvStream({ env, actor: 0, index: 0, unrollLength: 8 });
}

/** The first step's end. */
function firstEnd(env: FaultyEnv): EpisodeEnd | undefined {
  const stream = streamOf(env);
  stream.begin(0);
  return stream.advance(new Float32Array(2), 0);
}

function thrownBy(act: () => void): RunError {
  try {
    act();
  } catch (thrown) {
    return RunError.from(thrown);
  }
  throw new Error("nothing was thrown");
}

describe("how an environment failed", () => {
  test.for([
    ["throw", "step"],
    ["nan-reward", "non-finite"],
    ["nan-observation", "non-finite"],
  ] as const satisfies readonly (readonly [Fault, string])[])(
    "%s counts as %s",
    ([fault, kind]) => {
      const end = firstEnd(new FaultyEnv(5, [[1, fault]]));
      expect(end?.outcome).toBe("failed");
      expect(episodeFault(end?.reason)).toBe(kind);
    },
  );

  test("an observation of another length counts as shape", () => {
    const end = firstEnd(new OddEnv(() => [0]));
    expect(end?.outcome).toBe("failed");
    expect(episodeFault(end?.reason)).toBe("shape");
  });

  test("a step that throws words like these is no fault of the numbers", () => {
    expect(episodeFault("reward NaN is not possible here")).toBe("step");
    expect(episodeFault(undefined)).toBe("step");
  });

  test("a reset that throws, or gives what cannot be used, counts as reset", () => {
    const throwing = streamOf(
      new OddEnv(() => {
        throw new Error("no simulator");
      }),
    );
    const error = thrownBy(() => throwing.begin(0));
    expect(error).toMatchObject({
      code: "ENV_FAILED",
      message: expect.stringMatching(
        /^Faulty-v0: reset threw no simulator \(test.actors.*\) at the reset \(seed 0, episode 1\)$/,
      ),
    });
    expect(crashFault(error)).toBe("reset");
    expect(crashFault(thrownBy(() => streamOf(new OddEnv(() => [Number.NaN])).begin(0)))).toBe(
      "reset",
    );
  });

  test("a step that does not return counts as hung, other crashes as nothing", () => {
    expect(crashFault(new RunError("ENV_FAILED", hungMessage("Faulty-v0", 60_000)))).toBe("hung");
    expect(crashFault(new RunError("ACTOR_CRASHED", "out of memory"))).toBeUndefined();
    // Each of the ten was counted when it ended.
    const stream = streamOf(
      new FaultyEnv(
        5,
        Array.from({ length: 10 }, (_, i) => [i + 1, "throw"]),
      ),
    );
    stream.begin(0);
    const error = thrownBy(() => {
      for (let i = 0; i < 10; i++) {
        stream.advance(new Float32Array(2), 0);
        stream.nextEpisode();
      }
    });
    expect(error.code).toBe("ENV_FAILED");
    expect(crashFault(error)).toBeUndefined();
  });
});
