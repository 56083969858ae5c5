import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig, parseSetFlag } from "../../src/config/load.ts";
import { unheeded } from "../../src/config/unheeded.ts";

const sentences = async (...flags: string[]) =>
  unheeded(await loadConfig({ flags: flags.map(parseSetFlag) }));

test("a flag of a method that is not on is told of, with what would make it count", async () => {
  expect(await sentences("pmoe.experts=2", "drm.target=auto", "ppo.epochs=3")).toEqual([
    "--set ppo.epochs=3: ppo.epochs has no effect, as algorithm.name is sac; set algorithm.name=ppo, or leave it out",
    "--set pmoe.experts=2: pmoe.experts has no effect, as algorithm.policy is gaussian; set algorithm.policy=pmoe, or leave it out",
    "--set drm.target=auto: drm.target has no effect, as drm.enabled is false; set drm.enabled=true, or leave it out",
  ]);
  const environment = { TROUPE_DRQV2__SHIFT: "2" };
  expect(unheeded(await loadConfig({ environment }))).toEqual([
    expect.stringMatching(/^TROUPE_DRQV2__SHIFT: drqv2\.shift has no effect/),
  ]);
});

test("what counts, and what is common to many runs, is not", async () => {
  expect(await sentences("algorithm.policy=pmoe", "pmoe.experts=2")).toEqual([]);
  expect(await sentences("drm.enabled=true", "drm.target=auto")).toEqual([]);
  expect(await sentences("algorithm.name=ppo", "ppo.epochs=3")).toEqual([]);
  expect(await sentences("drm.enabled=false", "preset=drqv2", "drqv2.shift=2")).toEqual([]);
  const file = join(await mkdtemp(join(tmpdir(), "unheeded-")), "run.yaml");
  await writeFile(file, "ppo: { epochs: 3 }\ndrm: { target: auto }\n");
  expect(unheeded(await loadConfig({ file }))).toEqual([]);
});
