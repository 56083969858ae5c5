import { execFile, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { type Container, ofKind, renderOverlay, workloads } from "../kubernetes/manifests.ts";
import type { Manifest } from "../kubernetes/schema.ts";

const run = promisify(execFile);
const USER = 10001;
const IMAGE = "localhost/troupe:latest";

/** Limits that a container's root may set itself, and no systemd to ask. */
const CONFIGURATION = `
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
`;

/** Why podman cannot play pods here, or undefined. */
export function whyNoPodman(): string | undefined {
  const programs = ["podman", "runc", "catatonit", "kubectl"];
  const missing = programs.filter(
    (name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0,
  );
  if (spawnSync("ls", ["/usr/lib/podman/aardvark-dns"]).status !== 0) missing.push("aardvark-dns");
  return missing.length > 0 ? `there is no ${missing.join(", ")}` : undefined;
}

/**
 * The pods of an overlay as `podman play kube` (4.3) understands them. It knows Pod, Deployment and ConfigMap; ports
 * it would publish on the host, and probes run by systemd timers; secrets come as folders; it neither expands
 * $(NAME) in arguments nor knows resourceFieldRef.
 */
export function podsOf(manifests: readonly Manifest[], folder: string): string {
  const pods = workloads(manifests).map((workload) => {
    const { metadata, spec } = workload.spec.template;
    const volumes = spec.volumes.map((volume) =>
      volume.secret ? folderVolume(volume.name, join(folder, "certs")) : volume,
    );
    const containers = spec.containers.map(playable);
    const { kind } = workload;
    if (kind === "StatefulSet") volumes.push(folderVolume("runs", join(folder, "runs")));
    const pod = { metadata, spec: { ...spec, volumes, containers } };
    const { name } = workload.metadata;
    return kind === "StatefulSet"
      ? { apiVersion: "v1", kind: "Pod", ...pod, metadata: { ...metadata, name } }
      : { ...workload, metadata: { name }, spec: { ...workload.spec, replicas: 2, template: pod } };
  });
  const all = [...ofKind<Manifest>(manifests, "ConfigMap"), ...pods];
  return all.map((object) => stringify(object)).join("---\n");
}

function folderVolume(name: string, path: string) {
  return { name, hostPath: { path, type: "Directory" } };
}

function playable(container: Container & { readonly env?: readonly { readonly name: string }[] }) {
  const { ports, startupProbe, readinessProbe, livenessProbe, ...rest } = container;
  return {
    ...rest,
    image: IMAGE,
    imagePullPolicy: "Never",
    args: rest.args
      .filter((arg) => !arg.includes("$(POD_NAME)"))
      .map((arg) => arg.replace("$(WORKERS)", "1")),
    env: rest.env?.filter(({ name }) => name !== "WORKERS"),
  };
}

/** Podman with storage of its own, and the pods of the dev overlay in it. */
export class PlayedPods implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "troupe-podman-"));

  /** @param archive An image saved by docker. */
  static async up(archive: string): Promise<PlayedPods> {
    const played = new PlayedPods();
    const folder = played.#folder;
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, "containers.conf"), CONFIGURATION);
    await played.podman("load", "-i", archive);
    const certs = join(folder, "certs");
    const troupe = (...argv: string[]) =>
      run(process.execPath, ["dist/cli.js", "certs", ...argv, "--dir", certs]);
    await troupe("init");
    await troupe("issue", "learner", "--host", "troupe-learner");
    for (const role of ["actor", "viewer"]) await troupe("issue", role);
    mkdirSync(join(folder, "runs"));
    for (const path of ["runs", "certs", ...readdirSync(certs).map((name) => join("certs", name))])
      chownSync(join(folder, path), USER, USER);
    writeFileSync(join(folder, "pods.yaml"), podsOf(renderOverlay("dev") ?? [], folder));
    await played.podman("play", "kube", join(folder, "pods.yaml"));
    return played;
  }

  async podman(...argv: readonly string[]): Promise<string> {
    const storage = ["--root", join(this.#folder, "root"), "--runroot", join(this.#folder, "run")];
    const env = { ...process.env, CONTAINERS_CONF: join(this.#folder, "containers.conf") };
    return (await run("podman", [...storage, ...argv], { env })).stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.podman("play", "kube", "--down", join(this.#folder, "pods.yaml")).catch(() => "");
    await this.podman("rm", "--all", "--force").catch(() => "");
    // Its storage is mounted on itself.
    spawnSync("umount", ["--lazy", join(this.#folder, "root", "overlay")]);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20 });
  }
}
