import {
  afterAll,
  beforeAll,
  describe,
  expect,
  onTestFinished,
  type TestContext,
  test,
  vi,
} from "vitest";
import type { GetStatusResponse } from "../../../src/transport/generated/troupe/v1/control.ts";
import { skipBecause } from "../../skip-because.ts";
import { DockerEngine, whyNoDocker } from "./docker-engine.ts";
import { PlayedPods, whyNoPodman } from "./podman.ts";

/** A read-only root without any capability, as Kubernetes and compose run it. */
const LOCKED = ["--rm", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
const SMALL = [
  ...["algorithm.hidden=[16,16]", "algorithm.batchSize=16", "algorithm.learningStarts=100"],
  ...["replay.capacity=20000", "learner.threads=1", "evaluation.interval=0"],
].flatMap((setting) => ["--set", setting]);
/** Docker asks a container for its health every ten seconds. */
const SOON = { timeout: 90_000, interval: 500 };

// Debian from packages, an image from npm's, then containers that start, die and start again: minutes.
describe("the image", { timeout: 600_000 }, () => {
  let engine: DockerEngine | undefined;

  beforeAll(async () => {
    if (whyNoDocker() !== undefined) return;
    engine = await DockerEngine.up();
    await engine.build();
  }, 600_000);

  afterAll(() => engine?.[Symbol.asyncDispose](), 60_000);

  const built = (context: TestContext): DockerEngine =>
    engine ?? skipBecause(whyNoDocker() ?? "there is no image", context);

  test("passes its own examination, without rights and on a read-only disk", async (context) => {
    const report = await built(context).docker("run", ...LOCKED, "troupe", "doctor", "--json");
    expect(JSON.parse(report)).toMatchObject({ ok: true });
  });

  test("holds this platform's ONNX Runtime alone, nothing to build with, and is no larger than needed", async (context) => {
    const docker = built(context);
    const list =
      "ls -d /app/node_modules/onnxruntime-node/bin/napi-v*/*/* /app/node_modules/typescript /app/src";
    const found = await docker.docker(
      "run",
      "--rm",
      "--entrypoint",
      "sh",
      "troupe",
      "-c",
      `${list} 2>/dev/null || true`,
    );
    expect(found.split("\n")).toHaveLength(1);
    expect(found).toContain(`${process.platform}/${process.arch}`);
    const size = Number(await docker.docker("inspect", "-f", "{{.Size}}", "troupe"));
    const base = Number(await docker.docker("inspect", "-f", "{{.Size}}", "troupe-test/node"));
    expect(size - base).toBeLessThan(130e6);
    const history = await docker.docker(
      "history",
      "--no-trunc",
      "--format",
      "{{.CreatedBy}}",
      "troupe",
    );
    expect(history).not.toContain("BEGIN CERTIFICATE");
  });

  test("trains, and stops with a checkpoint when it is told to", async (context) => {
    const docker = built(context);
    const flags = ["-v", "runs:/runs", "--name", "train", ...LOCKED.slice(1), "-d"];
    const argv = ["train", "PointMass-v0", "-n", "1e7", "--name", "a", "--actors", "1", ...SMALL];
    await docker.docker("run", ...flags, "troupe", ...argv);
    const exec = (...command: string[]) => docker.docker("exec", "train", ...command);
    await vi.waitFor(() => exec("troupe-healthcheck"), SOON);
    await docker.docker("stop", "-t", "60", "train");
    expect(await docker.docker("inspect", "-f", "{{.State.ExitCode}}", "train")).toBe("75");
    await docker.docker("rm", "train");
    const again = ["train", "--resume", "a", "--dry-run"];
    expect(await docker.docker("run", "-v", "runs:/runs", ...LOCKED, "troupe", ...again)).toContain(
      "PointMass-v0",
    );
  });

  test("compose brings up a cluster that survives kills of an actor host and the learner", async (context) => {
    const docker = built(context);
    const compose = docker.compose({
      LEARNER_FLAGS: ["PointMass-v0", "-n", "1e7", ...SMALL].join(" "),
      ACTOR_FLAGS: "--workers 1",
      LEARNER_PORT: "127.0.0.1:0",
    });
    onTestFinished(async () => void (await compose("down", "-v")), 60_000);
    await compose("up", "-d", "--scale", "actor=2", "learner", "actor");

    const status = async (): Promise<GetStatusResponse> => {
      const ask = ["status", "--learner", "learner:7447", "--certs", "/certs", "--json"];
      return JSON.parse(await compose("run", "--rm", "-T", "status", ...ask)) as GetStatusResponse;
    };
    const until = (enough: (status: GetStatusResponse, connected: number) => boolean) =>
      vi.waitFor(async () => {
        const now = await status();
        const connected = now.actors.filter((actor) => actor.connected).length;
        if (!enough(now, connected)) throw new Error(JSON.stringify(now));
        return now;
      }, SOON);

    const first = await until((now, connected) => connected === 2 && now.envSteps > 0);
    await until((now) => now.envSteps > first.envSteps);

    process.kill(await docker.pid("test_actor_1"), "SIGKILL");
    await until((now, connected) => connected === 2 && now.actors.some((a) => a.incarnation === 2));

    const before = await status();
    process.kill(await docker.pid("test_learner_1"), "SIGKILL");
    const after = await until((now, connected) => now.term === 2 && connected === 2);
    await until((now) => now.envSteps > Math.max(before.envSteps, after.envSteps));

    await compose("stop");
    const codes = await docker.docker(
      "inspect",
      "-f",
      "{{.State.ExitCode}}",
      "test_learner_1",
      "test_actor_1",
      "test_actor_2",
    );
    expect(codes.split("\n")).toEqual(["75", "75", "75"]);
  });

  test("podman plays the pods of the dev overlay, which find each other and outlive a kill", async (context) => {
    const docker = built(context);
    const reason = whyNoPodman();
    if (reason) skipBecause(reason, context);
    const archive = await docker.save("troupe");
    const pods = await PlayedPods.up(archive);
    onTestFinished(() => pods[Symbol.asyncDispose](), 60_000);
    const learner = "troupe-learner-learner";
    const inspect = (what: string) => pods.podman("inspect", "-f", what, learner);
    expect(
      await inspect("{{.HostConfig.ReadonlyRootfs}} {{.EffectiveCaps}} {{.Config.User}}"),
    ).toBe("true [] 10001:10001");
    const untilHealth = (said: RegExp) =>
      vi.waitFor(
        async () => expect(await pods.podman("exec", learner, "troupe-healthcheck")).toMatch(said),
        SOON,
      );
    await untilHealth(/"learnerStep":[1-9]\d*,"actors":2/);
    process.kill(Number(await inspect("{{.State.Pid}}")), "SIGKILL");
    await vi.waitFor(async () => expect(await inspect("{{.RestartCount}}")).toBe("1"), SOON);
    await untilHealth(/"learnerStep":[1-9]\d*,"actors":2/);
  });
});
