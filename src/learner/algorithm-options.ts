import type { DrmOptions } from "../algorithms/drm/guidance.ts";
import type { NetworkOptions } from "../algorithms/networks.ts";
import type { AlgorithmOptions } from "../algorithms/registry.ts";
import { criticSettings } from "../config/critic-settings.ts";
import type { Config } from "../config/schema.ts";
import { DEFAULT_TARGET } from "./drm/drm-intervention.ts";
import { chosenCritic, chosenPolicy, noPlugins } from "./load-plugins.ts";

/** What an algorithm is told of the configuration. */
export function algorithmOptions(config: Config, plugins = noPlugins): AlgorithmOptions {
  const { algorithm } = config;
  const { hidden, learningRates, adam, tau, temperature, temperatureLoss } = algorithm;
  const { logStdMin, logStdMax, logStdBound } = algorithm;
  const { criticSupport, twin, targetEntropy } = algorithm;
  const family = chosenPolicy(config, plugins);
  const { min, max, initialTemperature } = criticSettings(config);
  const { learningRate, clipRatio, valueClip, entropyCoefficient } = config.ppo;
  const { valueCoefficient, maxGradNorm, logStdInit } = config.ppo;
  return {
    ...{ learningRate, clipRatio, valueClip, entropyCoefficient },
    ...{ valueCoefficient, maxGradNorm, logStdInit },
    ...{ hidden, learningRates, adam, tau, temperature, temperatureLoss },
    ...{ logStdMin, logStdMax, logStdBound },
    ...{ twin, initialTemperature, targetEntropy },
    critic: chosenCritic(config, plugins),
    ...(family ? { family } : {}),
    own: config.plugins.options,
    criticLoss: config.replay.sampling === "lap" ? "huber" : "squared",
    ...(min !== undefined && max !== undefined ? { support: { ...criticSupport, min, max } } : {}),
    sigmaRatio: criticSupport.sigmaRatio,
    probabilities: criticSupport.probabilities,
    orthogonalGradients: algorithm.orthogonalGradients,
    ...drqv2Options(config),
    ...(algorithm.policy === "pmoe" ? { pmoe: config.pmoe } : {}),
    ...(config.drm.enabled ? { drm: drmOptions(config) } : {}),
    ...(algorithm.robust.weight > 0 ? { robust: algorithm.robust } : {}),
    policyNetwork: networkOptions(config, "policy"),
    criticNetwork: criticNetwork(config),
  };
}

function drqv2Options({ drqv2 }: Config) {
  const { channels, strides, featureSize, noiseClip } = drqv2;
  return { encoder: { channels, strides }, featureSize, noiseClip };
}

function drmOptions({ drm }: Config): DrmOptions {
  const { threshold, exploitation, exploitationTemperature, expectile, exploration } = drm;
  const target = drm.target === "auto" ? DEFAULT_TARGET : drm.target;
  const { explorationTemperature } = drm;
  return {
    ...{ threshold, target, exploitation, exploitationTemperature, expectile },
    ...{ exploration, explorationTemperature },
  };
}

function criticNetwork(config: Config): NetworkOptions {
  const { spectralNorm } = config.algorithm.network.critic;
  const options = networkOptions(config, "critic");
  return spectralNorm > 0 ? { ...options, spectralNorm } : options;
}

function networkOptions({ algorithm }: Config, part: "policy" | "critic"): NetworkOptions {
  const { width, depth, architecture, activation, norm, initialisation } = algorithm.network[part];
  const { hidden } = algorithm;
  const layers = depth === "auto" ? hidden.length : depth;
  return {
    ...{ architecture, activation, norm, initialisation },
    // A layer that hidden does not speak of is as wide as its last.
    hidden: Array.from({ length: layers }, (_, i) =>
      width === "auto" ? (hidden[i] ?? hidden.at(-1) ?? 256) : width,
    ),
  };
}
