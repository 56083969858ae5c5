import { readFileSync } from "node:fs";

/** Versions a result depends on. */
export interface Versions {
  readonly troupe: string;
  readonly node: string;
  readonly mujoco: string;
  readonly onnxruntime: string;
}

/** Dependencies are pinned exactly, so package.json knows what is installed. */
export function readVersions(): Versions {
  const file = new URL("../../package.json", import.meta.url);
  const { version, dependencies } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly version: string;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return {
    troupe: version,
    node: process.versions.node,
    mujoco: dependencies["@mujoco/mujoco"] ?? "unknown",
    onnxruntime: dependencies["onnxruntime-node"] ?? "unknown",
  };
}
