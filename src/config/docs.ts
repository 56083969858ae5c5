import { variableName } from "./environment.ts";
import { type FieldInfo, fields, groups } from "./keys.ts";
import { presetAssignments, presets } from "./presets.ts";

const RESUME_TEXT = {
  free: "yes",
  tunable: "yes, not when deterministic",
  fixed: "no",
} as const;

/** The text of `docs/config.md`. */
export function configMarkdown(): string {
  const rootFields = fields.filter(({ path }) => !path.includes("."));
  const sections = groups.flatMap((group) => {
    const own = fields.filter(({ path }) => path.slice(0, path.lastIndexOf(".")) === group.path);
    return ["", `## ${group.path}`, "", group.text, "", ...table(own)];
  });
  return `${[INTRODUCTION, ...table(rootFields), ...sections, ...presetSections()].join("\n")}\n`;
}

/** What a preset puts in the place of the defaults. */
function presetSections(): readonly string[] {
  return Object.keys(presets).flatMap((preset) => {
    const assignments = presetAssignments({ preset });
    const name = assignments.find(({ path }) => path.join(".") === "algorithm.name")?.value;
    const rows = assignments.map(
      ({ path, value }) => `| \`${path.join(".")}\` | \`${JSON.stringify(value)}\` |`,
    );
    const also = preset === name ? `, and without a preset when algorithm.name is ${name}` : "";
    return [
      ...["", `## Preset ${preset}`, ""],
      `\`--preset ${preset}\`${also}: these in the place of the defaults above.`,
      ...["", "| field | default |", "|---|---|", ...rows],
    ];
  });
}

const INTRODUCTION = `# Configuration

<!-- Made from src/config/schema.ts by \`npm run docs\`; do not edit. -->

A run is told what to do by, each over the next: flags (\`--seed 3\`, or any field as \`--set path=value\`),
environment variables (\`${variableName("algorithm.batchSize")}=512\`: the path in capitals, a double underscore for each
dot), a YAML file (\`--config run.yaml\`), and the defaults below. \`troupe config show\` prints the result with who set each value.
Unknown keys are errors. Counts may be written 1000000, 1e6 or 1_000_000.

The last column says whether a resumed run may change the field.
`;

function table(rows: readonly FieldInfo[]): readonly string[] {
  if (rows.length === 0) return [];
  return [
    "| field | accepts | default | meaning | may change on resume |",
    "|---|---|---|---|---|",
    ...rows.map(
      ({ path, accepts, initial, text, resume }) =>
        `| \`${path}\` | ${accepts} | \`${JSON.stringify(initial)}\` | ${text} | ${RESUME_TEXT[resume]} |`,
    ),
  ];
}
