import { gauge, type MetricSection } from "../declare.ts";

export const mixture = {
  title: "Mixture of experts",
  from: "learner",
  metrics: {
    troupe_pmoe_gate_probability_ratio: gauge("Mean probability the gate gives each expert.", {
      labels: ["expert"],
      log: {
        0: "pmoe/gate_0",
        1: "pmoe/gate_1",
        2: "pmoe/gate_2",
        3: "pmoe/gate_3",
        4: "pmoe/gate_4",
        5: "pmoe/gate_5",
        6: "pmoe/gate_6",
        7: "pmoe/gate_7",
      },
    }),
    troupe_pmoe_best_ratio: gauge("Share of states where each expert proposes the best action.", {
      labels: ["expert"],
      log: {
        0: "pmoe/best_0",
        1: "pmoe/best_1",
        2: "pmoe/best_2",
        3: "pmoe/best_3",
        4: "pmoe/best_4",
        5: "pmoe/best_5",
        6: "pmoe/best_6",
        7: "pmoe/best_7",
      },
    }),
    troupe_pmoe_dead_experts: gauge("Experts that are hardly ever the best any more.", {
      log: "pmoe/dead_experts",
    }),
    troupe_pmoe_gate_entropy_nats: gauge("Mean entropy of the gate.", {
      log: "pmoe/gate_entropy",
    }),
    troupe_pmoe_gate_max_ratio: gauge("Mean probability of each state's likeliest expert.", {
      log: "pmoe/gate_max",
    }),
    troupe_pmoe_gate_loss: gauge("The gate's loss.", { log: "pmoe/gate_loss" }),
    troupe_pmoe_critic_loss: gauge("Loss of the critic that serves the gate; PPO only.", {
      log: "pmoe/critic_loss",
    }),
    troupe_pmoe_expert_distance: gauge(
      "Distance of two experts' mean actions: root mean square over pairs, averaged over states.",
      { log: "pmoe/expert_distance" },
    ),
  },
} as const satisfies MetricSection;
