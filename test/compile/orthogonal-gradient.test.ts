import { expect, test } from "vitest";
import { sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { orthogonalGradient } from "../../src/compile/orthogonal-gradient.ts";
import { drawInputs, trainedParameters } from "../algorithms/random-inputs.ts";
import { given, normals, runCompiled } from "./compiled.ts";
import { openStep } from "./trained.ts";

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);

const project = (weights: readonly number[], gradient: readonly number[]) =>
  runCompiled(({ w, g }) => ({ result: orthogonalGradient(w!, g!) }), {
    w: given(weights),
    g: given(gradient),
  }).then(({ result }) => [...result!]);

test("what points along the weights is taken out, and the length kept", async () => {
  // (3, 4) less its share along (1, 0) is (0, 4), and was 5 long.
  expect(await project([2, 0], [3, 4])).toEqual([0, 5]);
  const [w, g] = [normals("w", [7, 5]), normals("g", [7, 5], 3)];
  const { result } = await runCompiled(
    (at) => ({ result: orthogonalGradient(at["w"]!, at["g"]!) }),
    {
      w,
      g,
    },
  );
  const length = Math.sqrt(dot(g.values, g.values));
  expect(Math.abs(dot(result!, w.values))).toBeLessThan(1e-5 * length);
  expect(Math.sqrt(dot(result!, result!))).toBeCloseTo(length, 4);
});

test("weights of 0 and single numbers keep their gradient, and a gradient of 0 stays one", async () => {
  expect(await project([0, 0], [3, 4])).toEqual([3, 4]);
  expect(await project([2], [3])).toEqual([3]);
  expect(await project([1, 2], [0, 0])).toEqual([0, 0]);
});

// Three compiled updates: a second, several on a busy machine.
test("Adam is given it in the groups that are named, and in no other", {
  timeout: 20_000,
}, async () => {
  const sizes = { observationSize: 5, actionSize: 3, batchSize: 16 };
  const small = { ...sacDefaults, hidden: [24, 24] };
  const alongs = async (orthogonalGradients: "none" | "critic" | "all") => {
    const algorithm = sac({ ...small, orthogonalGradients }, sizes);
    const start = trainedParameters(algorithm, 3);
    await using step = await openStep(algorithm, start);
    const { batch, noise } = drawInputs(algorithm, 0);
    await step.step(batch, noise);
    const state = step.exportState();
    // After one update the first moment is the gradient times 1 - beta1.
    const cosine = (group: string) => {
      const g = state[`first/${group}/${group === "critic" ? "q1." : ""}hidden1.weight`]!.data;
      const w = start[group]![`${group === "critic" ? "q1." : ""}hidden1.weight`]!;
      return Math.abs(dot(w, g)) / Math.sqrt(dot(w, w) * dot(g, g));
    };
    return { critic: cosine("critic"), actor: cosine("actor") };
  };
  const [none, critic, all] = [await alongs("none"), await alongs("critic"), await alongs("all")];
  expect(Math.min(none.critic, none.actor)).toBeGreaterThan(1e-3);
  expect(critic.critic).toBeLessThan(1e-5);
  // The critics move first, and the policy climbs them.
  expect(critic.actor).toBeCloseTo(none.actor, 4);
  expect(Math.max(all.critic, all.actor)).toBeLessThan(1e-5);
});
