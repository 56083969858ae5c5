import { learningRows } from "./learning-rows.ts";
import { methodRows } from "./method-rows.ts";
import { curves, number, type Row } from "./panel.ts";
import { systemRows } from "./system-rows.ts";

const overview: Row = {
  title: "Overview",
  panels: [
    number(
      ["Progress", "Environment steps done, of those planned."],
      { "": 'run:troupe_env_steps:progress_ratio{run="$run"}' },
      { unit: "percentunit", min: 0, max: 1 },
    ),
    number(
      ["Time left", "At the pace of the last five minutes."],
      { "": 'run:troupe_env_steps:seconds_left{run="$run"}' },
      { unit: "s" },
    ),
    number(
      ["Steps per second", "Environment steps accepted by the learner."],
      { "": 'run:troupe_env_steps:rate1m{run="$run"}' },
      { unit: "ops" },
    ),
    number(
      ["Updates per second", "Gradient updates."],
      { "": 'run:troupe_learner_updates:rate1m{run="$run"}' },
      { unit: "ops" },
    ),
    number(["Actors", "Connected, and as many as there should be (0: nobody said)."], {
      connected: 'max by (run) (troupe_actors_connected{run="$run"})',
      expected: 'max by (run) (troupe_actors_expected{run="$run"})',
    }),
    number(["Return", "Mean of the last 100 training episodes; best evaluation so far."], {
      training: 'max by (run) (troupe_episode_return_mean{run="$run"})',
      best: 'max by (run) (troupe_eval_return_best{run="$run"})',
    }),
    number(
      ["Checkpoint", "Age of the last complete one."],
      { "": 'run:troupe_checkpoint:age_seconds{run="$run"}' },
      { unit: "s" },
    ),
    number(["Alerts", "That fire for this run; see docs/runbook.md."], {
      "": 'count(ALERTS{alertname=~"Troupe.*",alertstate="firing",run="$run"}) or vector(0)',
    }),
  ],
};

const throughput: Row = {
  title: "Throughput",
  panels: [
    curves(
      ["Steps and updates", "Environment steps accepted, and gradient updates."],
      {
        "environment steps": 'run:troupe_env_steps:rate1m{run="$run"}',
        updates: 'run:troupe_learner_updates:rate1m{run="$run"}',
      },
      { unit: "ops" },
    ),
    curves(["Replay ratio", "How often each transition is drawn, and updates for each step."], {
      "draws per transition": 'run:troupe_replay:samples_per_insert5m{run="$run"}',
      "updates per step": 'run:troupe_replay:update_ratio5m{run="$run"}',
    }),
    curves(
      ["Episodes", "That ended, by how."],
      { "{{outcome}}": 'run_outcome:troupe_episodes:rate5m{run="$run"}' },
      { unit: "ops" },
    ),
    curves(
      ["Durations", "Means: one step and one inference of an actor, one update and one draw."],
      {
        "environment step": 'run:troupe_env_step_duration_seconds:mean5m{run="$run"}',
        inference: 'run:troupe_inference_duration_seconds:mean5m{run="$run"}',
        update: 'run:troupe_learner_update_duration_seconds:mean5m{run="$run"}',
        "update, slowest in 100": 'run:troupe_learner_update_duration_seconds:p99_5m{run="$run"}',
        draw: 'run:troupe_replay_sample_duration_seconds:mean5m{run="$run"}',
      },
      { unit: "s" },
    ),
    curves(
      ["The learner waits", "Share of its time, and for what."],
      { "{{reason}}": 'run_reason:troupe_learner_blocked:share5m{run="$run"}' },
      { unit: "percentunit", min: 0, max: 1 },
    ),
    curves(
      ["Actors wait", "Share of the time of all of them, and for what."],
      { "{{reason}}": 'run_reason:troupe_actors_blocked:share5m{run="$run"}' },
      { unit: "percentunit", min: 0, max: 1 },
    ),
  ],
};

/** The dashboard, from what people ask first to what they ask last. */
export const rows: readonly Row[] = [
  overview,
  ...learningRows,
  ...methodRows,
  throughput,
  ...systemRows,
];
