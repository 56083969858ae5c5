import { expect, test } from "vitest";
import { drqv2, drqv2Defaults } from "../../src/algorithms/drqv2/drqv2.ts";
import { TrainStep } from "../../src/compile/train-step.ts";
import { NoiseSchedule } from "../../src/learner/noise-schedule.ts";
import { RandomStream } from "../../src/math/random.ts";
import { MetricsRecorder } from "../../src/metrics/recorder.ts";

test("a noise schedule falls from 1 to 0.1, for actors and for the losses", async () => {
  const sizes = { observationSize: 3, actionSize: 1, batchSize: 2 };
  const algorithm = drqv2({ ...drqv2Defaults, hidden: [4] }, sizes);
  await using step = await TrainStep.create(algorithm, { random: RandomStream.derive(1) });
  const schedule = new NoiseSchedule({ step, recorder: new MetricsRecorder() }, 1000);
  const linear = () => step.exportState()["parameters/schedule/linear"]?.data[0];
  expect(linear()).toBe(1);
  for (const [envSteps, std] of [
    [0, 1],
    [500, 0.55],
    [1000, 0.1],
    [5000, 0.1],
  ] as const) {
    expect(schedule.onUpdate({}, { envSteps })).toBe(false);
    expect(schedule.settings({ envSteps })[0]).toBeCloseTo(std, 6);
    expect(linear()).toBeCloseTo(std, 6);
  }
});
