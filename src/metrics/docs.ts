import {
  derivedLogKeys,
  type MetricDefinition,
  type MetricRole,
  metricSections,
} from "./definitions.ts";

/** The text of `docs/metrics.md`. */
export function metricsMarkdown(): string {
  const sections = metricSections.flatMap(({ title, from, metrics }) => [
    `\n## ${title}\n`,
    `${SOURCE[from ?? "every"]}\n`,
    TABLE,
    ...Object.entries(metrics).map(([name, definition]) => row(name, definition)),
  ]);
  const derived = Object.entries(derivedLogKeys).map(([key, help]) => `| \`${key}\` | ${help} |`);
  return `${[INTRODUCTION, ...sections, DERIVED, ...derived, ALIASES].join("\n")}\n`;
}

const SOURCE: Readonly<Record<MetricRole | "every", string>> = {
  every: "From learners and actor hosts.",
  learner: "From the learner.",
  actors: "From actor hosts; from the learner when it has actors of its own.",
};

const TABLE = `| Prometheus | type | labels | log key | meaning |
|---|---|---|---|---|`;

function row(name: string, definition: MetricDefinition): string {
  const values = definition.type === "counter" ? (definition.values ?? []) : [];
  const names = definition.labels?.map(code).join(", ") ?? "";
  const labels = values.length > 0 ? `${names}: ${values.join(", ")}` : names;
  return `| \`${name}\` | ${definition.type} | ${labels} | ${logText(definition)} | ${definition.help} |`;
}

function logText(definition: MetricDefinition): string {
  const { log } = definition;
  if (log === undefined) return "";
  if (typeof log !== "string") return Object.values(log).map(code).join(", ");
  if (definition.type !== "histogram" || definition.logMax === undefined) return code(log);
  return `${code(log)}, ${code(definition.logMax)}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

const INTRODUCTION = `# Metrics

<!-- Made from src/metrics/sections/ by \`npm run docs\`; do not edit. -->

A run serves the first column to Prometheus at the address it prints, and writes the fourth to \`metrics.jsonl\`,
\`progress.csv\` and TensorBoard (\`tb/\`) every \`metrics.logIntervalSeconds\`. The axis of every log is environment steps. Counters are logged as
totals of the run, gauges as they are, histograms as the mean (and maximum) since the last record; \`perf/*_ms\` are milliseconds. Node's own
\`process_*\` and \`nodejs_*\` metrics are served as well. [monitoring.md](monitoring.md) tells how to watch a run with them.

No label names an actor: Prometheus adds the \`instance\` it scraped, and \`troupe status\` lists actors one by one.`;

const DERIVED = `
## Only in logs

| log key | meaning |
|---|---|`;

const ALIASES = `
## The same under other names

| here | elsewhere |
|---|---|
| \`rollout/ep_rew_mean\` | CleanRL \`charts/episodic_return\`, RLlib \`env_runners/episode_return_mean\` |
| \`rollout/ep_len_mean\` | CleanRL \`charts/episodic_length\`, RLlib \`env_runners/episode_len_mean\` |
| \`time/fps\` | CleanRL \`charts/SPS\`, Sample Factory \`perf/_fps\` |
| \`time/total_timesteps\` | W&B \`global_step\`, RLlib \`num_env_steps_sampled_lifetime\` |
| \`policy/lag_mean\` | Sample Factory \`train/version_diff_avg\`, RLlib \`diff_num_grad_updates\` |
| \`train/ent_coef\` | CleanRL \`losses/alpha\` |
| \`train/q_mean\` | CleanRL \`losses/qf1_values\` |`;
