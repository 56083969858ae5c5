import { counter, gauge, type MetricSection } from "../declare.ts";

export const drm = {
  title: "Dormant-ratio minimisation",
  from: "learner",
  metrics: {
    troupe_drm_dormant_ratio: gauge(
      "Share of the policy's units that are dormant: of the hidden ones, of all, of one hidden layer.",
      {
        labels: ["layer"],
        log: {
          hidden: "drm/dormant_ratio",
          all: "drm/dormant_ratio_all",
          0: "drm/dormant_ratio_layer_0",
          1: "drm/dormant_ratio_layer_1",
          2: "drm/dormant_ratio_layer_2",
          3: "drm/dormant_ratio_layer_3",
          4: "drm/dormant_ratio_layer_4",
          5: "drm/dormant_ratio_layer_5",
          6: "drm/dormant_ratio_layer_6",
          7: "drm/dormant_ratio_layer_7",
        },
      },
    ),
    troupe_drm_target_ratio: gauge("Dormant ratio below which the agent is awake.", {
      log: "drm/target",
    }),
    troupe_drm_awakened_env_steps: gauge("Environment steps at which it woke up; -1: not yet.", {
      log: "drm/awakened_at",
    }),
    troupe_drm_noise_schedule_std: gauge("Standard deviation that the paper's schedule asks for.", {
      log: "drm/sigma",
    }),
    troupe_drm_exploration_std: gauge("Standard deviation of what actors add to their actions.", {
      log: "drm/exploration_std",
    }),
    troupe_drm_entropy_bonus_nats: gauge("What is added to the target entropy.", {
      log: "drm/entropy_bonus",
    }),
    troupe_drm_exploitation_ratio: gauge("Share of the critics' target that comes from V.", {
      log: "drm/exploitation",
    }),
    troupe_drm_value_loss: gauge("Loss of V.", { log: "drm/value_loss" }),
    troupe_drm_value_gap: gauge("Mean of V(s) - Q(s, a) over the last batch.", {
      log: "drm/value_gap",
    }),
    troupe_drm_perturbations_total: counter("Times that fresh weights were mixed in.", {
      log: "drm/perturbations",
    }),
    troupe_drm_retained_ratio: gauge("Share of the old weights that the last of them kept.", {
      log: "drm/retained",
    }),
    troupe_drm_parameter_change_ratio: gauge(
      "Norm of the change it made, over the norm of the weights.",
      { log: "drm/parameter_change" },
    ),
    troupe_drm_grad_norm: gauge("Norm of the gradient just before it and just after.", {
      labels: ["moment"],
      log: { before: "drm/grad_norm_before", after: "drm/grad_norm_after" },
    }),
  },
} as const satisfies MetricSection;
