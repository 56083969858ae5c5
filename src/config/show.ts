import { Document, isCollection, isMap, isScalar, stringify, type YAMLMap } from "yaml";
import { describeSource } from "./assignments.ts";
import { findField } from "./keys.ts";
import type { LoadedConfig } from "./load.ts";
import type { Config } from "./schema.ts";

/** A complete configuration as YAML that `--config` takes back. */
export function configYaml(config: Config): string {
  return stringify(config);
}

/** The same with who set each value behind it. */
export function annotatedYaml({ config, source }: LoadedConfig): string {
  const document = new Document(config);
  if (isMap(document.contents)) annotate(document.contents, "", source);
  return document.toString();
}

function annotate(map: YAMLMap, prefix: string, source: LoadedConfig["source"]): void {
  for (const { key, value } of map.items) {
    const path = prefix + String(key);
    const field = findField(path);
    if (field === undefined) {
      if (isMap(value)) annotate(value, `${path}.`, source);
    } else if (isCollection(value)) {
      value.flow = true;
      value.comment = ` ${describeSource(source(path))}`;
    } else if (isScalar(value)) {
      value.comment = ` ${describeSource(source(path))}`;
    }
  }
}
