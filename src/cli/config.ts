import type { Command } from "@commander-js/extra-typings";
import { configJsonSchema } from "../config/keys.ts";
import { loadConfig } from "../config/load.ts";
import { annotatedYaml } from "../config/show.ts";
import { type ConfigFlags, loadFromFlags, withConfigFlags } from "./config-flags.ts";

/** `troupe config show | check | schema`. */
export function addConfigCommand(program: Command): void {
  const config = program.command("config").description("show, check and describe configurations");
  withConfigFlags(config.command("show"))
    .description("print the complete configuration, with who set each value")
    .argument("[env]", "environment id or file")
    .option("--json", "print JSON, without the sources")
    .action(show);
  config
    .command("check")
    .description("check configuration files")
    .argument("<files...>", "YAML files")
    .action(check);
  config
    .command("schema")
    .description("print the JSON Schema of configuration files, for editors")
    .action(() => console.log(JSON.stringify(configJsonSchema(), null, 2)));
}

async function show(
  env: string | undefined,
  flags: ConfigFlags & { readonly json?: true | undefined },
): Promise<void> {
  const loaded = await loadFromFlags(env, flags);
  await checkEnv(loaded.config.env.id);
  if (flags.json) console.log(JSON.stringify(loaded.config, null, 2));
  else process.stdout.write(annotatedYaml(loaded));
}

async function check(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const { config } = await loadConfig({ file });
    await checkEnv(config.env.id);
    console.log(`${file}: ok`);
  }
}

/** @throws RunError ENV_UNKNOWN for an id that is none and no file. */
async function checkEnv(id: string): Promise<void> {
  if (/\.[cm]?[jt]s$/.test(id)) return;
  // Loaded late: it brings the physics engine with it.
  const { findEnv } = await import("../envs/registry.ts");
  await findEnv(id);
}
