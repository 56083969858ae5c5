import { counter, gauge, type MetricSection } from "../declare.ts";

export const everyProcess = {
  title: "Every process",
  from: undefined,
  metrics: {
    troupe_build_info: gauge("Versions; always 1.", {
      labels: ["version", "node", "mujoco", "onnxruntime"],
    }),
    troupe_run_info: gauge("What is trained; always 1.", {
      labels: ["run_id", "env", "algo", "seed"],
    }),
    troupe_role_info: gauge("What the process is: learner, actor or both; always 1.", {
      labels: ["role"],
    }),
    troupe_heap_limit_bytes: gauge("What the JavaScript heap of the main thread may grow to."),
    troupe_memory_limit_bytes: gauge(
      "Memory that the process may use: its container's limit, or all there is.",
    ),
    troupe_worker_restarts_total: counter("Threads started again after a failure.", {
      labels: ["role"],
      values: ["actor"],
    }),
    troupe_blocked_seconds_total: counter("Time actors and learner waited, and for what.", {
      labels: ["side", "reason"],
    }),
  },
} as const satisfies MetricSection;

export const run = {
  title: "The run",
  from: "learner",
  metrics: {
    troupe_actors_expected: gauge("Actors the configuration asks for."),
    troupe_actors_connected: gauge("Actors that are alive."),
    troupe_actor_heartbeat_timestamp_seconds: gauge(
      "Time of the last sign of life of the actor that has been silent the longest.",
    ),
    troupe_learner_term: gauge("Numbers the starts of a learner on this run, from 1."),
    troupe_env_steps_done: gauge("Environment steps of the run, all its processes together."),
    troupe_env_steps_planned: gauge("Environment steps at which the run is complete."),
  },
} as const satisfies MetricSection;
