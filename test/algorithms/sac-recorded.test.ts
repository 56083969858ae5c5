import { beforeAll, describe, expect, test } from "vitest";
import type { ParameterValues } from "../../src/algorithms/networks.ts";
import { expectClose, relativeError } from "./closeness.ts";
import { loadRecordedSac } from "./recorded-sac.ts";
import { ReferenceUpdate, type StageNumbers } from "./reference-update.ts";

// float32 against JAX's float64, and jax-js's own log, which is off by up to 1.2e-5 near 1.
const TOLERANCE = 5e-5;

const recorded = loadRecordedSac();
const update = new ReferenceUpdate(recorded.algorithm, recorded.before);
const results: Record<string, StageNumbers>[] = [];

beforeAll(async () => {
  for (const { batch, noise } of recorded.updates) results.push(await update.step(batch, noise));
});

describe("SAC, beside two updates recorded from JAX", () => {
  test.each([0, 1])("computes the losses and errors of update %i", (k) => {
    const { losses, tdErrors } = recorded.updates[k]!;
    const { critic, actor } = results[k]!;
    const { metrics } = actor!;
    const ours = [critic!.loss, metrics["train/actor_loss"]!, metrics["train/ent_coef_loss"]!];
    for (const [i, loss] of [losses.critic, losses.actor, losses.temperature].entries()) {
      expect(relativeError([ours[i]!], [loss])).toBeLessThan(TOLERANCE);
    }
    expect(relativeError(critic!.perSample["tdErrors"]!, tdErrors)).toBeLessThan(TOLERANCE);
  });

  test.each([0, 1])("computes the gradients of update %i", (k) => {
    const gradients: ParameterValues = {
      ...results[k]!["critic"]!.gradients,
      ...results[k]!["actor"]!.gradients,
    };
    expectClose(gradients, recorded.updates[k]!.gradients, TOLERANCE);
  });

  test("moves parameters, targets and moments to the same place", () => {
    expectClose(update.parameters, recorded.after, TOLERANCE);
    expectClose(update.first, recorded.first, TOLERANCE);
    expectClose(update.second, recorded.second, TOLERANCE);
  });
});
