import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Env } from "../../src/envs/env.ts";
import { makeEnv } from "../../src/envs/registry.ts";
import { Film, type FilmFile } from "../../src/video/film.ts";
import { filmEpisode } from "../../src/video/record-episode.ts";
import { saveImage } from "../../src/video/save-image.ts";
import { skipBecause } from "../skip-because.ts";
import { readGif, readMp4 } from "./film-files.ts";

// Loading the encoder takes seconds on a busy machine.
const TIMEOUT_MS = 30_000;

let dir: string;
let env: Env;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "troupe-film-"));
  env = await makeEnv("HalfCheetah-v5");
});
afterAll(() => {
  env.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Films two episodes of `steps` steps, 84 x 64. */
async function record(names: readonly string[], dt: number | undefined, steps: number) {
  const files = names.map((name) => join(dir, name));
  using film = await Film.open({ files, width: 84, height: 64, dt });
  for (let episode = 0; episode < 2; episode++) {
    const watch = filmEpisode(film, { width: 84, height: 64 });
    env.reset({ seed: episode });
    watch(env);
    for (let step = 0; step < steps; step++) {
      env.step([1, -1, 1, -1, 1, -1]);
      watch(env);
    }
  }
  return film.save();
}

describe("a film", () => {
  test(
    "holds every step of its episodes and lasts as long as they do",
    async () => {
      const written = await record(["a.mp4", "a.gif"], 0.05, 20);
      const bytes = written.map(({ file }) => readFileSync(file));
      const [mp4, gif] = [readMp4(bytes[0]!), readGif(bytes[1]!)];
      for (const film of [mp4, gif]) {
        expect(film).toMatchObject({ width: 84, height: 64, frames: 42 });
        expect(film.seconds).toBeCloseTo(42 * 0.05, 2);
      }
      expect(written).toEqual(
        bytes.map(
          ({ length }, i): FilmFile => ({
            file: join(dir, ["a.mp4", "a.gif"][i]!),
            frames: 42,
            frames_per_second: 20,
            size_bytes: length,
          }),
        ),
      );
    },
    TIMEOUT_MS,
  );

  test(
    "leaves steps out where they follow one another faster than can be shown",
    async () => {
      const written = await record(["b.mp4", "b.gif"], 0.008, 20);
      // 125 steps a second: every third in the MP4, every fifth in the GIF.
      expect(written.map(({ frames_per_second }) => frames_per_second)).toEqual([42, 25]);
      const mp4 = readMp4(readFileSync(join(dir, "b.mp4")));
      expect(mp4.frames).toBe(2 * 7);
      expect(mp4.seconds).toBeCloseTo(14 / 42, 3);
      const gif = readGif(readFileSync(join(dir, "b.gif")));
      expect(gif.frames).toBe(2 * 5);
      expect(gif.seconds).toBeCloseTo(10 * 0.04, 2);
    },
    TIMEOUT_MS,
  );

  test(
    "plays: ffprobe decodes every frame",
    async (context) => {
      if (spawnSync("ffprobe", ["-version"]).error)
        skipBecause("ffprobe is not installed", context);
      await record(["c.mp4", "c.gif"], 0.05, 10);
      for (const name of ["c.mp4", "c.gif"]) {
        const argv = ["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames"];
        const probe = spawnSync("ffprobe", [...argv, "-of", "csv=p=0", join(dir, name)], {
          encoding: "utf8",
        });
        expect(`${probe.stderr}${probe.stdout}`.trim()).toBe("22");
      }
    },
    TIMEOUT_MS,
  );

  test("gives 30 frames a second to environments without a clock", async () => {
    const [written] = await record(["d.gif"], undefined, 4);
    expect(written).toMatchObject({ frames: 2 * 3, frames_per_second: 15 });
  });

  test(
    "leaves no handlers behind that would end the process",
    async () => {
      const count = () =>
        process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection");
      const before = count();
      await record(["e.mp4"], 0.05, 1);
      expect(count()).toBe(before);
    },
    TIMEOUT_MS,
  );

  test("refuses what cannot be written before anything is filmed", async () => {
    writeFileSync(join(dir, "file"), "");
    const problems = [
      ["x.avi", 84, /x\.avi: a film's name ends in \.mp4 or \.gif/],
      ["missing/x.mp4", 84, /x\.mp4 cannot be written: ENOENT/],
      ["file/x.gif", 84, /x\.gif cannot be written: .*file is no folder/],
      ["x.mp4", 83, /must be even, not 83x64/],
    ] as const;
    for (const [name, width, message] of problems) {
      const options = { files: [join(dir, name)], width, height: 64, dt: 0.05 };
      await expect(Film.open(options)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
      await expect(Film.open(options)).rejects.toThrow(message);
    }
    expect(readdirSync(dir)).not.toContain("x.mp4");
  });
});

describe("saveImage", () => {
  test("draws the start of the first episode as a PNG file", () => {
    const file = join(dir, "start.png");
    saveImage(env, file, { width: 40, height: 30 });
    const { width, height, channels, data } = decode(readFileSync(file));
    expect({ width, height, channels }).toEqual({ width: 40, height: 30, channels: 3 });
    env.reset({ seed: 0 });
    const view = env.openView?.({ width: 40, height: 30 });
    expect(data).toEqual(view?.render(new Uint8Array(3 * 40 * 30)));
  });

  test("says what cannot be drawn, and which cameras there are", async () => {
    const file = join(dir, "never.png");
    const size = { width: 40, height: 30 };
    const unseen = await makeEnv("PointMass-v0");
    expect(() => saveImage(unseen, file, size)).toThrow(/PointMass-v0 cannot be drawn/);
    unseen.close();
    expect(() => saveImage(env, file, { ...size, camera: "trak" })).toThrow(
      /no camera "trak"; did you mean "track"\? There are: track, free/,
    );
    expect(() => saveImage(env, file, { ...size, width: 0.5 })).toThrow(
      /width .* 0\.5 is no whole/,
    );
    expect(readdirSync(dir)).not.toContain("never.png");
  });
});
