import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import { skipBecause } from "../../skip-because.ts";
import {
  FOLDER,
  OVERLAYS,
  ofKind,
  renderOverlay,
  selects,
  workloads,
  writtenManifests,
} from "./manifests.ts";
import { type Manifest, schemaProblems } from "./schema.ts";

describe("the schema check", () => {
  const pod = (spec: unknown): Manifest => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec,
  });
  const container = { name: "c", image: "i" };

  test("takes what is right", () => {
    const limits = { cpu: 1, memory: "1Gi" };
    const containers = [{ ...container, resources: { limits } }];
    expect(schemaProblems(pod({ containers }))).toEqual([]);
  });

  test.each([
    ["an unknown field", { containers: [container], restartPolice: "Never" }, "unknown field"],
    [
      "a field too deep",
      { containers: [{ ...container, securityContext: { runAsRoot: 1 } }] },
      "unknown field",
    ],
    ["a wrong type", { containers: [{ ...container, args: "train" }] }, "is no list"],
    ["a wrong word", { containers: [{ ...container, imagePullPolicy: "Often" }] }, "is none of"],
    ["a missing field", { containers: [{ image: "i" }] }, "name: missing"],
  ])("refuses %s", (_, spec, problem) => {
    expect(schemaProblems(pod(spec)).join("\n")).toContain(problem);
  });

  test("refuses a kind it does not know", () => {
    expect(schemaProblems({ ...pod({}), apiVersion: "v2" })).toEqual([
      "v2 Pod is no kind that is known here",
    ]);
  });
});

test("what is written for Kubernetes has only fields that it knows", () => {
  const manifests = writtenManifests();
  expect(manifests.length).toBeGreaterThan(8);
  expect(manifests.flatMap(schemaProblems)).toEqual([]);
});

const runFiles = ["base", "overlays/dev", "overlays/prod"]
  .map((folder) => join(FOLDER, folder, "run.yaml"))
  .filter((file) => existsSync(file));

test.each(runFiles)("%s is a valid configuration", async (file) => {
  const { config } = await loadConfig({ file });
  expect(config.env.id).not.toBe("");
});

const rendered = (overlay: string, context: TestContext): readonly Manifest[] =>
  renderOverlay(overlay) ?? skipBecause("there is no kubectl from 1.21 on", context);

describe.each(OVERLAYS)("overlay %s", (overlay) => {
  test("renders to objects that Kubernetes takes", (context) => {
    const manifests = rendered(overlay, context);
    expect(manifests.flatMap(schemaProblems)).toEqual([]);
    const kinds = new Set(manifests.map(({ kind }) => kind));
    expect([...kinds]).toEqual(
      expect.arrayContaining(["StatefulSet", "Deployment", "HorizontalPodAutoscaler"]),
    );
    const namespaces = manifests
      .filter(({ kind }) => kind !== "Namespace")
      .map(({ metadata }) => metadata["namespace"]);
    const [namespace] = ofKind<Manifest>(manifests, "Namespace");
    expect(new Set(namespaces)).toEqual(new Set([namespace?.metadata.name]));
  });

  test("gives no container more rights than it needs", (context) => {
    const user = /^USER (\d+):/m.exec(readFileSync("deploy/docker/Dockerfile", "utf8"))?.[1];
    for (const { spec } of workloads(rendered(overlay, context))) {
      const { spec: pod } = spec.template;
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: Number(user),
        seccompProfile: { type: "RuntimeDefault" },
      });
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    }
  });

  test("bounds every container and probes it on ports it has", (context) => {
    for (const { spec } of workloads(rendered(overlay, context))) {
      for (const container of spec.template.spec.containers) {
        const { requests, limits } = container.resources;
        expect(limits["memory"]).toBe(requests["memory"]);
        expect(limits["cpu"]).toBeDefined();
        expect(container.image).toMatch(/:(?!latest$)[\w.]+$/);
        const ports = container.ports.map(({ name }) => name);
        const { startupProbe, readinessProbe, livenessProbe } = container;
        for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
          expect(ports).toContain(probe?.httpGet?.port ?? probe?.tcpSocket?.port);
        }
      }
    }
  });

  test("leaves the learner time for a checkpoint", (context) => {
    const learner = workloads(rendered(overlay, context)).find(
      ({ kind }) => kind === "StatefulSet",
    );
    expect(learner?.spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(60);
  });

  test("refers to nothing that is not there", (context) => {
    const manifests = rendered(overlay, context);
    const all = workloads(manifests);
    const names = (kind: string): readonly string[] =>
      ofKind<Manifest>(manifests, kind).map(({ metadata }) => metadata.name);
    for (const { spec } of all) {
      expect(selects(spec.selector.matchLabels, spec.template.metadata.labels)).toBe(true);
      const { volumes, containers } = spec.template.spec;
      for (const { volumeMounts } of containers) {
        const mounted = volumeMounts.map(({ name }) => name);
        expect(volumes.map(({ name }) => name)).toEqual(
          expect.arrayContaining(mounted.filter((name) => name !== "runs")),
        );
      }
      const maps = volumes.flatMap(({ configMap }) => configMap?.name ?? []);
      expect(names("ConfigMap")).toEqual(expect.arrayContaining(maps));
    }
    const labels = all.map(({ spec }) => spec.template.metadata.labels);
    type Selecting = Manifest & { spec: { selector: Readonly<Record<string, string>> } };
    for (const { spec } of ofKind<Selecting>(manifests, "Service"))
      expect(labels.filter((one) => selects(spec.selector, one))).toHaveLength(1);
    type Budget = Manifest & { spec: { selector: { matchLabels: Record<string, string> } } };
    for (const { spec } of ofKind<Budget>(manifests, "PodDisruptionBudget"))
      expect(labels.filter((one) => selects(spec.selector.matchLabels, one))).toHaveLength(1);
    type Scaler = Manifest & { spec: { scaleTargetRef: { name: string } } };
    for (const { spec } of ofKind<Scaler>(manifests, "HorizontalPodAutoscaler"))
      expect(names("Deployment")).toContain(spec.scaleTargetRef.name);
    const flag = all
      .flatMap(({ spec }) => spec.template.spec.containers.flatMap((c) => c.args))
      .find((arg) => arg.startsWith("--learner="));
    const [service, port] = flag?.slice("--learner=".length).split(":") ?? [];
    expect(names("Service")).toContain(service);
    expect(port).toBe("7447");
  });
});

test("in production only actor hosts reach the learner, and only Prometheus the metrics", (context) => {
  type Policy = Manifest & {
    spec: {
      podSelector: { matchLabels: Record<string, string> };
      ingress: { from: Record<string, unknown>[]; ports: { port: number }[] }[];
    };
  };
  const manifests = rendered("prod", context);
  const policies = ofKind<Policy>(manifests, "NetworkPolicy");
  for (const { spec } of workloads(manifests)) {
    const { labels } = spec.template.metadata;
    const own = policies.filter((policy) => selects(policy.spec.podSelector.matchLabels, labels));
    expect(own).toHaveLength(1);
    const open = own[0]!.spec.ingress.flatMap(({ ports }) => ports.map(({ port }) => port));
    const declared = spec.template.spec.containers.flatMap(({ ports }) => ports);
    expect(open).toEqual(declared.map(({ containerPort }) => containerPort));
    for (const { from } of own[0]!.spec.ingress) expect(from).toHaveLength(1);
  }
});
