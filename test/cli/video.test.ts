import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { train } from "../../dist/index.js";
import { readGif, readMp4 } from "../video/film-files.ts";
import { runCli } from "./run-cli.ts";

// A command starts Node, MuJoCo and ONNX Runtime; beside other test files that takes seconds.
const TIMEOUT_MS = 180_000;

let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "troupe-video-"));
  for (const [name, env] of [
    ["pendulum", { id: "InvertedPendulum-v5", options: { max_episode_steps: 30 } }],
    ["unseen", { id: "PointMass-v0" }],
  ] as const) {
    await train({
      env,
      totalSteps: 300,
      algorithm: { hidden: [8], batchSize: 16, learningStarts: 200 },
      evaluation: { interval: 300, episodes: 1 },
      metrics: { port: "off" },
      run: { dir, name },
    });
  }
}, TIMEOUT_MS);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const evaluate = (...args: string[]) =>
  runCli(["eval", ...args, "--episodes", "2", "--run-dir", dir]);

describe("troupe eval --video", () => {
  test(
    "films the first episodes as MP4 and GIF in the run's folder, and returns what it would without",
    () => {
      const argv = ["pendulum", "--video", "--video-episodes", "2", "--size", "64x48", "--json"];
      const report = JSON.parse(evaluate(...argv).stdout);
      const [mp4, gif] = ["mp4", "gif"].map((ending) => join(dir, `pendulum/eval/video.${ending}`));
      // Both episodes' starts beside their steps, at 25 frames a second.
      const steps: number = report.episode_lengths[0] + report.episode_lengths[1];
      const facts = { width: 64, height: 48, frames: steps + 2 };
      expect(readMp4(readFileSync(mp4!))).toMatchObject(facts);
      expect(readGif(readFileSync(gif!))).toMatchObject(facts);
      expect(report.videos).toMatchObject([
        { file: mp4, frames: steps + 2, frames_per_second: 25 },
        { file: gif, frames: steps + 2, frames_per_second: 25 },
      ]);
      const without = JSON.parse(evaluate("pendulum", "--json").stdout);
      expect(without.episode_rewards).toEqual(report.episode_rewards);
    },
    TIMEOUT_MS,
  );

  test(
    "ends with 2 and says what is wrong before anything runs",
    () => {
      const file = join(dir, "a.mp4");
      for (const [argv, message] of [
        [["unseen", "--video", file], /PointMass-v0 cannot be drawn: MuJoCo tasks can/],
        [["pendulum", "--video", join(dir, "no/a.mp4")], /a\.mp4 cannot be written: ENOENT/],
        [["pendulum", "--video", file, "--camera", "x"], /no camera "x".* There are: free/],
        [["pendulum", "--video", file, "--size", "1x"], /--size .* must be like 640x480, or 480/],
        [["pendulum", "--camera", "free"], /--camera needs --video/],
        [["pendulum", "--size", "64"], /--size needs --video/],
        [["pendulum", "--video-episodes", "2"], /--video-episodes needs --video/],
        [["policy.onnx", "--video", file], /is an exported policy; name the run/],
      ] as const) {
        const { code, stderr } = evaluate(...argv);
        expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
      }
    },
    TIMEOUT_MS,
  );
});

describe("troupe env show --image", () => {
  test(
    "draws the task and lists its cameras",
    () => {
      const file = join(dir, "walker.png");
      const argv = ["env", "show", "dm_control/walker-walk", "--image", file, "--camera", "back"];
      const { code, stdout } = runCli([...argv, "--size", "32", "--json"]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout).cameras).toEqual(["side", "back", "free"]);
      expect(readFileSync(file).subarray(1, 4).toString()).toBe("PNG");
      const unknown = runCli(["env", "show", "PointMass-v0", "--image", file]);
      expect(unknown.code).toBe(2);
      for (const [argv, message] of [
        [["--image", join(dir, "a.jpg")], /a\.jpg: a picture's name ends in \.png/],
        [["--size", "32"], /--size needs --image/],
      ] as const) {
        const { code: refused, stderr } = runCli(["env", "show", "Hopper-v5", ...argv]);
        expect({ refused, stderr }).toEqual({ refused: 2, stderr: expect.stringMatching(message) });
      }
    },
    TIMEOUT_MS,
  );
});
