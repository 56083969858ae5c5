import { describe, expect, test } from "vitest";
import { failureSentence } from "../../../src/envs/failure/env-failure.ts";

const place = { during: "step", step: 12, seed: 5, episode: 3 } as const;

describe("the sentence of a failure", () => {
  test("names the task, what happened and where", () => {
    expect(failureSentence("Arm", "reward is NaN", place)).toBe(
      "Arm: reward is NaN at step 12 (seed 5, episode 3)",
    );
  });

  test("counts the episode that a reset would have started", () => {
    const reset = { ...place, during: "reset" } as const;
    expect(failureSentence("Arm", "no state", reset)).toBe(
      "Arm: no state at the reset (seed 5, episode 4)",
    );
  });

  test("says nothing again that the task has said", () => {
    const said = "Arm: the physics diverged (seed 5, episode 3)";
    expect(failureSentence("Arm", said, place)).toBe(said);
    expect(failureSentence("Arm", "Arm: it broke", place)).toBe(
      "Arm: it broke at step 12 (seed 5, episode 3)",
    );
  });
});
