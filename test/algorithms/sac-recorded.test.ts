import { beforeAll, describe, expect, test } from "vitest";
import type { ParameterValues } from "../../src/algorithms/networks.ts";
import { expectClose, relativeError } from "./closeness.ts";
import { compileUpdate, traceCompiled } from "./compiled-update.ts";
import { loadRecordedCategorical, loadRecordedSac } from "./recorded-sac.ts";
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
    expect(relativeError(critic!.perSample["priorities"]!, tdErrors)).toBeLessThan(TOLERANCE);
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

describe.each(["hl-gauss", "c51"] as const)(
  "SAC with %s, beside an update recorded from JAX",
  (critic) => {
    const { algorithm, before, updates } = loadRecordedCategorical(critic);
    const { batch, noise, losses, tdErrors, gradients } = updates[0]!;

    test("computes its losses, divergences and gradients", async () => {
      const plain = new ReferenceUpdate(algorithm, before);
      const result = await plain.step(batch, noise);
      expect(relativeError([result["critic"]!.loss], [losses.critic])).toBeLessThan(TOLERANCE);
      const { metrics } = result["actor"]!;
      expect(relativeError([metrics["train/actor_loss"]!], [losses.actor])).toBeLessThan(TOLERANCE);
      expect(relativeError(result["critic"]!.perSample["priorities"]!, tdErrors)).toBeLessThan(
        TOLERANCE,
      );
      const found = { ...result["critic"]!.gradients, ...result["actor"]!.gradients };
      expectClose(found, gradients, TOLERANCE);
    });

    test("computes them compiled, too", async () => {
      await using step = await compileUpdate(algorithm, before);
      const trace = traceCompiled(step, await step.step(batch, noise));
      const { "train/critic_loss": criticLoss, "train/actor_loss": actorLoss } = trace.metrics;
      expect(relativeError([criticLoss!], [losses.critic])).toBeLessThan(1e-5);
      expect(relativeError([actorLoss!], [losses.actor])).toBeLessThan(1e-5);
      expect(relativeError(trace.perSample["priorities"]!, tdErrors)).toBeLessThan(1e-5);
      // After one update Adam's first moment is a tenth of the gradient.
      const found = Object.fromEntries(
        Object.entries(trace.first).map(([group, tensors]) => [
          group,
          Object.fromEntries(
            Object.entries(tensors).map(([name, m]) => [name, m.map((x) => 10 * x)]),
          ),
        ]),
      );
      expectClose(found, gradients, 1e-5);
    });
  },
);
