import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Manifest } from "./schema.ts";

export const FOLDER = "deploy/kubernetes";
export const OVERLAYS = ["dev", "prod"] as const;

export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}

/** The files as they are, without what kustomize makes of them. */
export function writtenManifests(): readonly Manifest[] {
  return readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".yaml") && !/(kustomization|run)\.yaml$/.test(name))
    .flatMap((name) => parseManifests(readFileSync(join(FOLDER, name), "utf8")));
}

/** Undefined when there is no kubectl that knows components (1.21). @throws Error when it refuses. */
export function renderOverlay(overlay: string): readonly Manifest[] | undefined {
  const version = spawnSync("kubectl", ["version", "--client", "-o", "json"], { encoding: "utf8" });
  if (version.error) return undefined;
  const { clientVersion } = JSON.parse(version.stdout) as {
    clientVersion: { minor: string };
  };
  if (Number.parseInt(clientVersion.minor, 10) < 21) return undefined;
  const folder = join(FOLDER, "overlays", overlay);
  const { status, stdout, stderr } = spawnSync("kubectl", ["kustomize", folder], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return parseManifests(stdout);
}

type Labels = Readonly<Record<string, string>>;

interface Port {
  readonly name: string;
  readonly containerPort: number;
}

interface Probe {
  readonly httpGet?: { readonly port: string; readonly path: string };
  readonly tcpSocket?: { readonly port: string };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: readonly Port[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly resources: {
    readonly requests: Labels;
    readonly limits: Labels;
  };
  readonly securityContext: unknown;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface PodSpec {
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: {
    readonly runAsUser: number;
    readonly [field: string]: unknown;
  };
  readonly containers: readonly Container[];
  readonly volumes: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly secret?: { readonly secretName: string };
  }[];
}

interface Selector {
  readonly matchLabels: Labels;
}

/** A StatefulSet or Deployment, after the schema check. */
export interface Workload extends Manifest {
  readonly kind: "StatefulSet" | "Deployment";
  readonly spec: {
    readonly selector: Selector;
    readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
  };
}

export function workloads(manifests: readonly Manifest[]): readonly Workload[] {
  return manifests.filter(
    (manifest): manifest is Workload =>
      manifest.kind === "StatefulSet" || manifest.kind === "Deployment",
  );
}

export function ofKind<T extends Manifest>(
  manifests: readonly Manifest[],
  kind: string,
): readonly T[] {
  return manifests.filter((manifest): manifest is T => manifest.kind === kind);
}

/** Whether a selector's labels are all among `labels`. */
export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
