import type { Command } from "@commander-js/extra-typings";
import { readVersions } from "../config/versions.ts";

/** `troupe version`: what a bug report needs. */
export function addVersionCommand(program: Command): void {
  program
    .command("version")
    .description("print the versions of troupe and of what results depend on")
    .option("--json", "print JSON")
    .action(({ json }) => {
      const { troupe, node, mujoco, onnxruntime } = readVersions();
      const platform = `${process.platform}-${process.arch}`;
      if (json) console.log(JSON.stringify({ troupe, node, mujoco, onnxruntime, platform }));
      else
        console.log(
          `troupe ${troupe} (node ${node}, mujoco ${mujoco}, onnxruntime ${onnxruntime}, ${platform})`,
        );
    });
}
