import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { vi } from "vitest";

const run = promisify(execFile);
const BOOTSTRAP = resolve("test/deploy/docker/bootstrap-base.sh");
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** Why nothing can be built here, or undefined. TROUPE_TEST_DOCKER=1 asks for it: it takes minutes. */
export function whyNoDocker(): string | undefined {
  if (process.env["TROUPE_TEST_DOCKER"] !== "1")
    return "it builds an image, which takes minutes; TROUPE_TEST_DOCKER=1 does it";
  const missing = ["docker", "dockerd", "docker-compose", "mmdebstrap"].filter(
    (name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0,
  );
  if (missing.length > 0) return `there is no ${missing.join(", ")}`;
  return process.getuid?.() === 0 ? undefined : "dockerd needs root";
}

/** A Docker engine with a folder and a socket of its own. */
export class DockerEngine implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "troupe-docker-"));
  readonly #host = `unix://${join(this.#folder, "docker.socket")}`;
  #daemon: ReturnType<typeof spawn> | undefined;

  /** In networks that nobody else here has. */
  static async up(): Promise<DockerEngine> {
    const engine = new DockerEngine();
    const folder = engine.#folder;
    const log = openSync(join(folder, "log"), "w");
    const net = 64 + (process.pid % 64);
    const argv = [
      ...["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")],
      ...["--host", engine.#host, "--pidfile", join(folder, "pid")],
      ...["--bip", `10.${net}.255.1/24`],
      ...["--default-address-pool", `base=10.${net}.0.0/17,size=24`],
    ];
    engine.#daemon = spawn("dockerd", argv, { stdio: ["ignore", log, log] });
    await vi
      .waitFor(() => engine.docker("info"), { timeout: 30_000, interval: 200 })
      .catch(() => {
        throw new Error(readFileSync(join(folder, "log"), "utf8"));
      });
    return engine;
  }

  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, DOCKER_HOST: this.#host, DOCKER_BUILDKIT: "1" };
  }

  /** @returns What it printed. */
  async docker(...argv: readonly string[]): Promise<string> {
    const options = { env: this.#environment, maxBuffer: 64 << 20 };
    return (await run("docker", argv, options)).stdout.trim();
  }

  /** Builds the image `troupe` from this tree, on a base that needs no registry. */
  async build(): Promise<void> {
    const base = "troupe-test/node";
    await run(BOOTSTRAP, [base], { env: this.#environment });
    const secrets = existsSync(CERTIFICATES) ? ["--secret", `id=ca,src=${CERTIFICATES}`] : [];
    const argv = ["--network", "host", "--build-arg", `BASE=${base}`, ...secrets];
    await this.docker("build", "-f", "deploy/docker/Dockerfile", "-t", "troupe", ...argv, ".");
  }

  /** Writes an image to a file. @returns Its path. */
  async save(image: string): Promise<string> {
    const file = join(this.#folder, "image.tar");
    await this.docker("save", image, "-o", file);
    return file;
  }

  /** docker-compose on deploy/compose, with settings as a user would export them. */
  compose(settings: Readonly<Record<string, string>>) {
    return async (...argv: readonly string[]): Promise<string> => {
      const file = ["-f", "deploy/compose/compose.yaml", "-p", "test"];
      const env = { ...this.#environment, ...settings };
      return (await run("docker-compose", [...file, ...argv], { env })).stdout.trim();
    };
  }

  /** A container's first process, as this machine numbers it. */
  async pid(container: string): Promise<number> {
    return Number(await this.docker("inspect", "-f", "{{.State.Pid}}", container));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemon) {
      const ended = once(this.#daemon, "exit");
      this.#daemon.kill("SIGTERM");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20 });
  }
}
