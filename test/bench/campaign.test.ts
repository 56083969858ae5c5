import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Campaign, type CampaignOptions } from "../../bench/campaign/campaign.ts";
import type { Experiment } from "../../bench/campaign/experiment.ts";
import { ResultFolder } from "../../bench/campaign/result.ts";
import { listRuns } from "../../src/learner/find-run.ts";
import { temporary } from "./fake-run.ts";
import { ScratchRepository } from "./scratch-repository.ts";

// Several processes with several threads each start one after the other, on a machine that is busy.
const TIMEOUT = { timeout: 500_000 };

const EXPERIMENT: Experiment = {
  id: "point",
  question: "Does it run?",
  env: "PointMass-v0",
  steps: 600,
  seeds: [1, 2],
  evaluateEvery: 300,
  settings: [
    "algorithm.hidden=[16,16]",
    "algorithm.batchSize=16",
    "algorithm.learningStarts=100",
    "replay.capacity=20_000",
    "actors.count=1",
    "evaluation.episodes=2",
  ],
  arms: { plain: [], layer: ["algorithm.network.critic.norm=layer"] },
};

interface Setting {
  readonly repository: ScratchRepository;
  readonly runs: string;
  readonly results: string;
}

function setting(): Setting {
  const repository = new ScratchRepository();
  return { repository, runs: temporary(), results: join(repository.folder, "results") };
}

interface Started {
  readonly campaign: Campaign;
  readonly lines: string[];
}

/** A campaign, and what it says. */
function campaign({ runs, results }: Setting, more: Partial<CampaignOptions> = {}): Started {
  const lines: string[] = [];
  const made = new Campaign({
    experiments: [EXPERIMENT],
    runs,
    results,
    jobs: 1,
    commit: true,
    cli: "dist/cli.js",
    report: (line) => lines.push(line),
    ...more,
  });
  onTestFinished(() => made.stop("SIGKILL"));
  return { campaign: made, lines };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const begun = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.endsWith(": begins"));

describe("Campaign", () => {
  test("goes on where it was stopped, and trains nothing twice", TIMEOUT, async () => {
    const place = setting();
    const { repository, runs, results } = place;
    repository.write("readme", "changed\n");
    const long = { ...EXPERIMENT, steps: 3_000, seeds: [1] };

    const first = campaign(place, { experiments: [long] });
    const stopped = first.campaign.run();
    await until(() => listRuns(runs).some(({ info }) => (info.best?.envSteps ?? 0) > 0));
    first.campaign.stop("SIGINT");
    await expect(stopped).resolves.toEqual({ completed: [], failed: [], elsewhere: [] });
    expect(first.lines.at(-1)).toBe("point-plain-s1: stopped");
    expect(listRuns(runs)).toMatchObject([{ info: { status: "interrupted" } }]);

    const second = campaign(place, { experiments: [long] });
    const names = ["point-plain-s1", "point-layer-s1"];
    await expect(second.campaign.run()).resolves.toMatchObject({ completed: names, failed: [] });
    expect(second.lines[0]).toMatch(/^point-plain-s1: goes on from \d+ steps$/);
    expect(listRuns(runs).map(({ info }) => info.term)).toEqual([1, 2]);

    const third = campaign(place, { experiments: [long] });
    await expect(third.campaign.run()).resolves.toMatchObject({ completed: [] });
    expect(third.lines).toEqual([]);

    const [{ runs: plain } = { runs: [] }] = new ResultFolder(results).read(long)?.arms ?? [];
    expect(plain).toMatchObject([{ seed: 1, env_steps: 3_000 }]);
    // On a busy machine one that is due while another is made is left out.
    const { steps = [] } = plain[0]?.evaluations ?? {};
    expect(steps.at(-1)).toBe(3_000);
    expect(steps).toEqual([...new Set(steps)].toSorted((a, b) => a - b));
    expect(repository.git("log", "--format=%s").split("\n")).toEqual([
      "bench: point, 2 of 2 runs",
      "bench: point, 1 of 2 runs",
      "first",
    ]);
    expect(repository.git("status", "--short")).toBe(" M readme");
  });

  test("shares the runs with another one at the same time", TIMEOUT, async () => {
    const place = setting();
    const both = [campaign(place), campaign(place, { jobs: 2 })];
    const ends = await Promise.all(both.map((started) => started.campaign.run()));
    const names = ["plain-s1", "layer-s1", "plain-s2", "layer-s2"].map((name) => `point-${name}`);
    expect(both.flatMap(({ lines }) => begun(lines)).toSorted()).toEqual(
      names.map((name) => `${name}: begins`).toSorted(),
    );
    expect(ends.flatMap(({ failed }) => failed)).toEqual([]);
    expect(listRuns(place.runs).map(({ info }) => info.term)).toEqual([1, 1, 1, 1]);
    await campaign(place).campaign.collect();
    expect(new ResultFolder(place.results).read(EXPERIMENT)?.missing).toEqual([]);
  });

  test("names a run that fails, and goes on with the next", TIMEOUT, async () => {
    const place = setting();
    // A run of another configuration has the name.
    mkdirSync(join(place.runs, "point-plain-s1"));
    const broken = { ...EXPERIMENT, id: "broken", env: "NoSuch-v0", seeds: [1] };
    const arms = { plain: [] };
    const experiments = [
      { ...broken, arms },
      { ...EXPERIMENT, arms, seeds: [1] },
    ];
    const { campaign: made, lines } = campaign(place, { experiments, commit: false });
    await expect(made.run()).resolves.toEqual({
      completed: ["point-plain-s1"],
      failed: ["broken-plain-s1"],
      elsewhere: [],
    });
    expect(lines[1]).toMatch(/^broken-plain-s1: ended with code 2; see .*output\.log$/);
    expect(listRuns(place.runs).map(({ info }) => info.id)).toEqual([
      expect.stringMatching(/^point-plain-s1-[0-9a-f]{6}$/),
    ]);
    expect(place.repository.git("log", "--format=%s")).toBe("first");
  });
});
