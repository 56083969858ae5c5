import { describe, expect, test } from "vitest";
import { drm } from "../../../src/algorithms/drm/drm.ts";
import { drmDefaults } from "../../../src/algorithms/drm/guidance.ts";
import { perturbationStream } from "../../../src/algorithms/drm/perturbation.ts";
import { drqv2, drqv2Defaults } from "../../../src/algorithms/drqv2/drqv2.ts";
import { sacDefaults } from "../../../src/algorithms/sac.ts";
import type { StepResult, TrainStep } from "../../../src/compile/train-step.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import type { ConfigInput } from "../../../src/config/schema.ts";
import { DrmIntervention } from "../../../src/learner/drm/drm-intervention.ts";
import { type DrmState, drmStateSchema } from "../../../src/learner/drm/drm-state.ts";
import { MetricsRecorder } from "../../../src/metrics/recorder.ts";
import { drawInputs, trainedParameters } from "../../algorithms/random-inputs.ts";
import { openStep } from "../../compile/trained.ts";

const sizes = { observationSize: 5, actionSize: 3, batchSize: 16 };

/** Networks with norms, whose parameters are no linear layer's. */
const algorithm = drm(
  {
    ...sacDefaults,
    hidden: [24, 24],
    policyNetwork: { norm: "layer" },
    criticNetwork: { norm: "layer" },
    drm: { ...drmDefaults, exploration: "entropy" },
  },
  sizes,
);

interface Opened {
  readonly intervention: DrmIntervention;
  readonly warnings: string[];
  readonly notes: string[];
  /** As if an update had found this; counts updates and environment steps. */
  update(ratio: number, envSteps?: number): boolean;
}

function open(step: TrainStep, own: ConfigInput["drm"], state?: DrmState): Opened {
  const config = parseConfig({ drm: { enabled: true, perturbInterval: 0, ...own }, seed: 4 });
  const warnings: string[] = [];
  const notes: string[] = [];
  const parts = {
    step,
    recorder: new MetricsRecorder(),
    warn: (text: string) => warnings.push(text),
    note: (text: string) => notes.push(text),
  };
  const options = { drm: config.drm, seed: config.seed, learningStarts: 2000 };
  const intervention = new DrmIntervention(parts, options, state);
  let learnerStep = 0;
  return {
    intervention,
    warnings,
    notes,
    update: (ratio, envSteps = 2001) => {
      learnerStep += 1;
      const result: StepResult = {
        finite: true,
        metrics: { "drm/dormant_ratio": ratio },
        perSample: {},
        gradNorm: 1,
      };
      return intervention.onUpdate(result, {
        envSteps,
        learnerStep,
        turns: 0,
        actorSnapshot: new Uint8Array(0),
      });
    },
  };
}

async function trained(): Promise<TrainStep> {
  const step = await openStep(algorithm, trainedParameters(algorithm, 2));
  for (let k = 0; k < 3; k++) {
    const { batch, noise } = drawInputs(algorithm, k);
    await step.step(batch, noise);
  }
  return step;
}

/** Every parameter and moment as numbers, by path. */
function statesOf(step: TrainStep): Map<string, Float32Array> {
  return new Map(
    Object.entries(step.exportState()).flatMap(([path, { data }]): [string, Float32Array][] =>
      data instanceof Float32Array ? [[path, data]] : [],
    ),
  );
}

const norm = (values: Iterable<number>) => Math.hypot(...values);
const NETWORKS = ["actor", "critic", "targetCritic", "value"];

// Each test compiles one update or two, seconds on a busy machine.
describe("a perturbation", { timeout: 30_000 }, () => {
  test("mixes fresh weights into all linear layers, and only into them", async () => {
    await using step = await trained();
    const before = statesOf(step);
    const { update, intervention } = open(step, { perturbInterval: 2 });
    expect(update(0.2)).toBe(false);
    expect(update(0.3)).toBe(true);
    const after = statesOf(step);
    let layers = 0;
    for (const group of algorithm.groups) {
      for (const { name, shape, init, isLinear } of group.parameters) {
        const path = `parameters/${group.name}/${name}`;
        const [old, now] = [before.get(path)!, after.get(path)!];
        if (!isLinear) {
          expect(now, path).toEqual(old);
          continue;
        }
        layers += 1;
        // 1 - 2 * 0.3 of the old weights are kept.
        const fresh = new Float32Array(shape.reduce((size, length) => size * length, 1));
        const source = group.name === "targetCritic" ? "critic" : group.name;
        init(perturbationStream(4, 2, [source, name]), fresh);
        const added = now.map((value, i) => value - 0.4 * old[i]!);
        expect(norm(added)).toBeCloseTo(0.6 * norm(fresh), 4);
        expect(norm(added.map((value, i) => value - 0.6 * fresh[i]!))).toBeLessThan(1e-4);
      }
    }
    expect(layers).toBe(2 * 3 + 2 * (2 * 2 * 3) + 2 * 3);
    expect(intervention.state().perturbations).toBe(1);
  });

  test("lets their optimisers start anew, but not the temperature's", async () => {
    await using step = await trained();
    const temperature = [...statesOf(step)].filter(([path]) => path.includes("temperature"));
    open(step, { perturbInterval: 1, perturbMax: 1 }).update(0);
    const after = statesOf(step);
    for (const [path, data] of after) {
      const isMoment = path.startsWith("first/") || path.startsWith("second/");
      if (!isMoment || path.includes("temperature")) continue;
      expect(
        data.every((value) => value === 0),
        path,
      ).toBe(true);
    }
    for (const [path, data] of temperature) expect(after.get(path), path).toEqual(data);
    // Everything of the old weights was kept, so the next update is that of a new optimiser.
    const parameters = Object.fromEntries(
      algorithm.groups.map(({ name, parameters }) => [
        name,
        Object.fromEntries(
          parameters.map((spec) => [spec.name, after.get(`parameters/${name}/${spec.name}`)!]),
        ),
      ]),
    );
    await using anew = await openStep(algorithm, parameters);
    const { batch, noise } = drawInputs(algorithm, 9);
    await step.step(batch, noise);
    await anew.step(batch, noise);
    const [own, other] = [statesOf(step), statesOf(anew)];
    for (const [path, data] of own) {
      if (NETWORKS.some((group) => path.includes(`/${group}/`))) {
        expect(data, path).toEqual(other.get(path));
      }
    }
    // The temperature's fourth step is no first step.
    expect(own.get("second/temperature/logTemperature")).not.toEqual(
      other.get("second/temperature/logTemperature"),
    );
  });

  test("is the same after a restart of the run, which goes on from the optimisers' state", async () => {
    await using step = await trained();
    await using resumed = await openStep(algorithm);
    const first = open(step, { perturbInterval: 1 });
    first.update(0.3);
    const { batch, noise } = drawInputs(algorithm, 9);
    await step.step(batch, noise);
    resumed.importState(step.exportState());
    for (const each of [step, resumed]) await each.step(batch, noise);
    expect(statesOf(resumed)).toEqual(statesOf(step));
    expect(Object.keys(resumed.exportState()).sort()).toEqual(
      Object.keys(step.exportState()).sort(),
    );
  });

  test("gives slow critics fresh weights of their own when told to", async () => {
    await using step = await trained();
    // What is kept is nothing, so what is there is fresh.
    const own = { perturbInterval: 1, perturbMin: 0, perturbMax: 0 };
    open(step, own).update(1);
    const shared = statesOf(step);
    const name = "q1.hidden0.weight";
    expect(shared.get(`parameters/targetCritic/${name}`)).toEqual(
      shared.get(`parameters/critic/${name}`),
    );
    open(step, { ...own, independentTargetNoise: true }).update(1);
    const apart = statesOf(step);
    expect(apart.get(`parameters/targetCritic/${name}`)).not.toEqual(
      apart.get(`parameters/critic/${name}`),
    );
  });
});

describe("the schedule of the noise", { timeout: 30_000 }, () => {
  test("follows the dormant ratio until the agent wakes up, and is lowered from then on", async () => {
    await using step = await openStep(algorithm);
    const { update, intervention } = open(step, { explorationSteps: 1000 });
    for (let k = 0; k < 5000; k++) update(0.5, 1000 + k);
    expect(intervention.noiseAt(6000)).toBeCloseTo(0.9526, 4);
    expect(intervention.state().awakenedAt).toBeNull();
    update(0.1, 6001);
    expect(intervention.state().awakenedAt).toBe(6001);
    expect(intervention.noiseAt(6001)).toBe(1);
    expect(intervention.noiseAt(6501)).toBeCloseTo(0.55, 9);
    for (const steps of [6900, 7001, 9000, 1e6]) {
      expect(intervention.noiseAt(steps)).toBeGreaterThanOrEqual(0.2689);
      expect(intervention.noiseAt(steps)).toBeLessThan(0.27);
    }
    // It never falls asleep again, but has its noise back for as long as its units sleep.
    update(0.5, 7002);
    expect(intervention.state().awakenedAt).toBe(6001);
    expect(intervention.noiseAt(7002)).toBeCloseTo(0.9526, 4);
  });

  test("does not let the agent wake up while it acts at random", async () => {
    await using step = await openStep(algorithm);
    const { update, intervention, warnings } = open(step, {});
    update(0.1, 2000);
    expect(intervention.state().awakenedAt).toBeNull();
    update(0.1, 2001);
    expect(intervention.state().awakenedAt).toBe(2001);
    expect(warnings).toEqual([expect.stringContaining("drm.target=auto")]);
  });

  test("says once what the ratio was in the first ten updates", async () => {
    await using step = await openStep(algorithm);
    const { update, notes } = open(step, { target: 0.05 });
    for (let k = 0; k < 9; k++) update(0.1 + k / 100);
    expect(notes).toEqual([]);
    for (let k = 0; k < 20; k++) update(0.3);
    expect(notes).toEqual([
      "dormant ratio of the first 10 updates: 0.100 to 0.300; drm.target is 0.05",
    ]);
  });

  test("tells actors what to add beyond the noise of an agent that is wide awake", async () => {
    await using step = await openStep(algorithm);
    const { update, intervention } = open(step, { explorationSteps: 1000 });
    const settingAt = (envSteps: number) => intervention.settings({ envSteps })[0];
    expect(settingAt(0)).toBeCloseTo(0.99966 - 0.1192, 4);
    update(0.5, 1000);
    expect(settingAt(1000)).toBeCloseTo(0.9526 - 0.1192, 4);
    update(0, 3000);
    expect(settingAt(3000)).toBeCloseTo(1 - 0.1192, 4);
    expect(settingAt(3500)).toBeCloseTo(0.55 - 0.1192, 4);
    expect(settingAt(3999)).toBeGreaterThanOrEqual(0);
    expect(settingAt(4000)).toBe(0);
    const { intervention: other } = open(step, { exploration: "off" });
    expect(other.settings({ envSteps: 0 })).toHaveLength(0);
  });

  test("is all there is for a policy without noise of its own, and its losses know the schedule", async () => {
    const plain = drqv2({ ...drqv2Defaults, hidden: [8], drm: drmDefaults }, sizes);
    await using step = await openStep(plain);
    const { update, intervention, ...first } = open(step, { explorationSteps: 1000 });
    const settingAt = (envSteps: number) => intervention.settings({ envSteps })[0];
    const linear = () => step.exportState()["parameters/schedule/linear"]!.data[0];
    for (let i = 0; i < 50; i++) update(0.5, 3000 + i);
    expect(settingAt(3050)).toBeCloseTo(0.9526, 4);
    expect(linear()).toBe(0);
    update(0.1, 4000);
    expect(settingAt(4000)).toBe(1);
    expect(linear()).toBe(1);
    update(0.1, 4500);
    expect(settingAt(4500)).toBeCloseTo(0.55, 6);
    expect(linear()).toBeCloseTo(0.55, 6);
    update(0.1, 9000);
    // The ratio's own noise stays.
    expect(settingAt(9000)).toBeCloseTo(0.2689, 4);
    expect(linear()).toBeCloseTo(0.1, 6);
    expect(first.warnings).toEqual([]);
  });

  test("raises the target entropy instead, in nats per action dimension", async () => {
    await using step = await openStep(algorithm);
    open(step, { exploration: "entropy" }).update(0.2);
    const bonus = step.exportState()["parameters/drm/entropyBonus"]!.data[0];
    expect(bonus).toBeCloseTo(0.5 * 3 * 0.5, 6);
  });
});

describe("an automatic target", { timeout: 30_000 }, () => {
  test("is half the mean ratio of the first 1000 updates, and the agent sleeps until then", async () => {
    await using step = await openStep(algorithm);
    const { update, intervention } = open(step, { target: "auto" });
    for (let k = 1; k < 1000; k++) update(0.15);
    expect(intervention.state()).toMatchObject({ target: 0.2, awakenedAt: null });
    update(0.15);
    expect(intervention.state().target).toBeCloseTo(0.075, 12);
    expect(intervention.state()).toMatchObject({ calibration: null, awakenedAt: null });
    expect(step.exportState()["parameters/drm/target"]!.data[0]).toBeCloseTo(0.075, 6);
    update(0.07);
    expect(intervention.state().awakenedAt).toBe(2001);
  });

  test("is not below 0.05", async () => {
    await using step = await openStep(algorithm);
    const { update, intervention } = open(step, { target: "auto" });
    for (let k = 0; k < 1000; k++) update(0.01);
    expect(intervention.state()).toMatchObject({ target: 0.05, awakenedAt: 2001 });
  });

  test("goes on from a state that went through a checkpoint", async () => {
    await using step = await openStep(algorithm);
    const whole = open(step, { target: "auto" });
    for (let k = 0; k < 500; k++) whole.update(0.3);
    const text = JSON.stringify(whole.intervention.state());
    const resumed = open(step, { target: "auto" }, drmStateSchema.parse(JSON.parse(text)));
    for (let k = 0; k < 500; k++) {
      whole.update(0.1);
      resumed.update(0.1);
    }
    expect(resumed.intervention.state()).toEqual(whole.intervention.state());
    expect(resumed.intervention.state().target).toBeCloseTo(0.1, 12);
  });
});
