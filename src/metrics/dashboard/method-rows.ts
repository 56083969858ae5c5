import { curves, type Row } from "./panel.ts";

const onPolicy: Row = {
  title: "PPO",
  panels: [
    curves(["PPO: losses", "Of the last minibatches."], {
      "{{name}}": 'max by (run, name) (troupe_on_policy_loss{run="$run"})',
    }),
    curves(["PPO: divergence", "Of the policy from the one that acted, in nats; stops by it."], {
      KL: 'max by (run) (troupe_on_policy_kl_nats{run="$run"})',
      "stops in five minutes":
        'sum by (run) (increase(troupe_on_policy_kl_stops_total{run="$run"}[5m]))',
    }),
    curves(
      ["PPO: shares", "Of clipped ratios; of samples that count; of variance that is explained."],
      {
        clipped: 'max by (run) (troupe_on_policy_clipped_ratio{run="$run"})',
        "effective samples": 'max by (run) (troupe_on_policy_effective_sample_ratio{run="$run"})',
        "against the behaviour policy":
          'max by (run) (troupe_on_policy_behaviour_sample_ratio{run="$run"})',
        "explained variance":
          'max by (run) (troupe_on_policy_explained_variance_ratio{run="$run"})',
      },
      { unit: "percentunit" },
    ),
    curves(["PPO: step size and spread", "Adam's step size, and the policy's deviation."], {
      "learning rate": 'max by (run) (troupe_on_policy_learning_rate{run="$run"})',
      "standard deviation": 'max by (run) (troupe_on_policy_std{run="$run"})',
    }),
    curves(["PPO: what was not learned from", "In five minutes."], {
      "turns that did not come":
        'sum by (run) (increase(troupe_on_policy_missing_turns_total{run="$run"}[5m]))',
      "steps too old":
        'sum by (run) (increase(troupe_on_policy_dropped_steps_total{run="$run"}[5m]))',
    }),
  ],
};

const drm: Row = {
  title: "DrM",
  panels: [
    curves(
      ["Dormant ratio", "Share of hidden units that hardly answer, and the one it should reach."],
      {
        "{{layer}}": 'max by (run, layer) (troupe_drm_dormant_ratio{run="$run"})',
        target: 'max by (run) (troupe_drm_target_ratio{run="$run"})',
      },
      { unit: "percentunit" },
    ),
    curves(
      ["Awakening", "Deviations of the schedule and of what actors add; the step it woke at."],
      {
        schedule: 'max by (run) (troupe_drm_noise_schedule_std{run="$run"})',
        actors: 'max by (run) (troupe_drm_exploration_std{run="$run"})',
        "entropy bonus": 'max by (run) (troupe_drm_entropy_bonus_nats{run="$run"})',
      },
    ),
    curves(["Awake since", "Environment steps; -1: not yet."], {
      step: 'max by (run) (troupe_drm_awakened_env_steps{run="$run"})',
    }),
    curves(["Exploitation", "V's share of the critics' target, its loss, and V - Q."], {
      share: 'max by (run) (troupe_drm_exploitation_ratio{run="$run"})',
      loss: 'max by (run) (troupe_drm_value_loss{run="$run"})',
      gap: 'max by (run) (troupe_drm_value_gap{run="$run"})',
    }),
    curves(
      ["Perturbations", "In an hour; what was kept, how far the parameters moved, gradients."],
      {
        perturbations: 'sum by (run) (increase(troupe_drm_perturbations_total{run="$run"}[1h]))',
        kept: 'max by (run) (troupe_drm_retained_ratio{run="$run"})',
        moved: 'max by (run) (troupe_drm_parameter_change_ratio{run="$run"})',
        "gradient {{moment}}": 'max by (run, moment) (troupe_drm_grad_norm{run="$run"})',
      },
    ),
  ],
};

const experts: Row = {
  title: "Mixture of experts",
  panels: [
    curves(
      ["Use of experts", "Mean probability the gate gives each."],
      {
        "{{expert}}": 'max by (run, expert) (troupe_pmoe_gate_probability_ratio{run="$run"})',
      },
      { unit: "percentunit" },
    ),
    curves(
      ["Best experts", "Share of states where each proposes the best action."],
      {
        "{{expert}}": 'max by (run, expert) (troupe_pmoe_best_ratio{run="$run"})',
      },
      { unit: "percentunit" },
    ),
    curves(["Gate", "Entropy in nats, greatest probability, loss; loss of PPO's critic for it."], {
      entropy: 'max by (run) (troupe_pmoe_gate_entropy_nats{run="$run"})',
      greatest: 'max by (run) (troupe_pmoe_gate_max_ratio{run="$run"})',
      loss: 'max by (run) (troupe_pmoe_gate_loss{run="$run"})',
      "critic's loss": 'max by (run) (troupe_pmoe_critic_loss{run="$run"})',
    }),
    curves(["Experts", "How many are dead, and how far apart they are."], {
      dead: 'max by (run) (troupe_pmoe_dead_experts{run="$run"})',
      distance: 'max by (run) (troupe_pmoe_expert_distance{run="$run"})',
    }),
  ],
};

export const methodRows: readonly Row[] = [onPolicy, drm, experts];
