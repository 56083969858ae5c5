import { z } from "zod";
import {
  critic,
  criticSupport,
  network,
  orthogonalGradients,
  plugins,
  policy,
  rewardScaling,
  robust,
  twin,
} from "./algorithm-parts.ts";
import { drm } from "./drm-settings.ts";
import { drqv2 } from "./drqv2-settings.ts";
import {
  autoCount,
  count,
  field,
  fixed,
  fraction,
  free,
  group,
  positive,
  tunable,
} from "./fields.ts";
import { pmoe } from "./pmoe-settings.ts";
import { ppo } from "./ppo-settings.ts";
import { type PresetName, presetAlgorithms } from "./preset-names.ts";
import { checkRules } from "./rules.ts";

const env = group("What is simulated.", {
  id: field(
    z.string().min(1),
    "HalfCheetah-v5",
    fixed("environment id; `troupe env list` shows them"),
  ),
  options: field(
    z.record(z.string(), z.unknown()),
    {},
    fixed("options handed to the environment, by its own names"),
  ),
});

const learningRates = group("Adam's step size of each network.", {
  actor: field(positive(), 3e-4, tunable("of the policy")),
  critic: field(positive(), 3e-4, tunable("of the critics")),
  temperature: field(positive(), 3e-4, tunable("of the entropy temperature")),
});

const adam = group("Adam's other constants (Kingma and Ba 2015).", {
  beta1: field(fraction(), 0.9, tunable("decay of the first moment")),
  beta2: field(fraction(), 0.999, tunable("decay of the second moment")),
  epsilon: field(positive(), 1e-8, tunable("added to the root of the second moment")),
});

// Defaults: Haarnoja et al. 2018, arXiv 1812.05905, table 1, with 10 000 random steps to start with.
const algorithm = group("What is learned.", {
  name: field(
    z.enum(["sac", "drqv2", "ppo"]),
    "sac",
    fixed("the algorithm; ppo and drqv2 have defaults of their own"),
  ),
  learningStarts: field(
    count(0),
    10_000,
    fixed("random warm-up steps before the first update, over all actors"),
  ),
  gamma: field(fraction(), 0.99, tunable("discount per step")),
  tau: field(
    fraction(),
    0.005,
    tunable("share of the critic that enters its slow copy per update"),
  ),
  batchSize: field(count(1), 256, tunable("transitions per update")),
  learningRates,
  adam,
  hidden: field(
    z.array(count(1)).min(1),
    [256, 256],
    fixed("units of each hidden layer, in the policy and in the critics"),
  ),
  network,
  policy,
  critic,
  criticSupport,
  twin,
  rewardScaling,
  orthogonalGradients,
  robust,
  nStep: field(count(1), 1, tunable("rewards summed before bootstrapping")),
  temperature: field(
    z.union([z.literal("auto"), z.number().nonnegative()], {
      error: 'must be "auto" or a number of at least 0',
    }),
    "auto",
    fixed(
      "price of a nat of entropy; auto: learned, from initialTemperature; a number: always that",
    ),
  ),
  initialTemperature: field(
    z.union([z.literal("auto"), positive()], { error: 'must be "auto" or a number above 0' }),
    "auto",
    fixed("entropy temperature at the start; auto: 1, or 0.01 where rewards are scaled"),
  ),
  targetEntropy: field(
    z.union([z.literal("auto"), z.number()], { error: 'must be "auto" or a number' }),
    "auto",
    tunable("entropy the temperature is steered to, in nats; auto: minus the action size"),
  ),
  temperatureLoss: field(
    z.enum(["alpha", "logAlpha"]),
    "alpha",
    tunable("what the temperature's loss multiplies: alpha (the authors' code) or its logarithm"),
  ),
  logStdMin: field(z.number(), -5, fixed("least log standard deviation of the policy")),
  logStdMax: field(z.number(), 2, fixed("greatest log standard deviation of the policy")),
  logStdBound: field(
    z.enum(["squash", "clamp"]),
    "squash",
    fixed("how it is kept between them: by a tanh (squash), or cut off without gradient (clamp)"),
  ),
  normalizeObservations: field(
    z.boolean(),
    false,
    fixed("scale observations by running mean and standard deviation"),
  ),
});

const replay = group("What is remembered.", {
  capacity: field(count(1), 1e6, fixed("transitions kept; the oldest go first")),
  sampling: field(
    z.enum(["uniform", "prioritized", "lap"]),
    "uniform",
    fixed("prioritized: Schaul et al. 2016; lap: Fujimoto et al. 2020"),
  ),
  priorityExponent: field(
    z.union([z.literal("auto"), fraction()], { error: 'must be "auto" or a number from 0 to 1' }),
    "auto",
    fixed("power of the priority; auto: 0.6 for prioritized, 0.4 for lap"),
  ),
  importanceExponent: field(
    fraction(),
    0.4,
    tunable(
      "power of the importance weights at the start, rising to 1 at totalSteps; prioritized only",
    ),
  ),
  samplesPerInsert: field(
    z.union([z.literal("auto"), positive()], { error: 'must be "auto" or a number above 0' }),
    "auto",
    tunable(
      "mean draws of each transition; auto: batchSize, one update per environment step; half of that for drqv2",
    ),
  ),
  errorBuffer: field(
    z.union([z.literal("auto"), positive()], { error: 'must be "auto" or a number above 0' }),
    "auto",
    tunable("draws that actors and learner may run ahead of each other; auto: a few unrolls"),
  ),
});

const restart = group("When an actor crashes or hangs.", {
  initialDelaySeconds: field(
    positive(),
    0.5,
    free("wait before the first restart; doubles each time"),
  ),
  maxDelaySeconds: field(positive(), 30, free("longest wait between restarts")),
  breakerFailures: field(
    count(1),
    5,
    free("failures within the window after which the run gives up"),
  ),
  breakerWindowSeconds: field(positive(), 300, free("the window that failures are counted in")),
});

const actors = group("Who acts.", {
  count: field(
    autoCount(1),
    "auto",
    tunable("actor threads; auto: usable CPUs minus one, 1 to 4; 1 in the deterministic mode"),
  ),
  envsPerActor: field(
    count(1),
    1,
    tunable("environments stepped by each actor, one inference for all"),
  ),
  unrollLength: field(count(1), 8, fixed("steps sent to the learner at a time")),
  stepTimeoutSeconds: field(
    positive(),
    60,
    free("an environment that takes longer for a step or reset counts as hung"),
  ),
  restart,
});

const learner = group("How it is learned.", {
  device: field(z.enum(["cpu", "webgpu", "cuda"]), "cpu", tunable("where updates are computed")),
  threads: field(
    autoCount(1),
    "auto",
    tunable("CPU threads of an update; auto: usable CPUs minus actors, 1 to 4"),
  ),
  publishInterval: field(count(1), 8, tunable("learner steps between new policies for the actors")),
  maxNonFinite: field(
    count(1),
    5,
    free("updates in a row with a non-finite loss or gradient before rolling back to a checkpoint"),
  ),
  maxRollbacks: field(count(0), 2, free("such rollbacks before the run gives up")),
});

const evaluation = group("How well it does: raw rewards, no exploration, fixed seeds.", {
  interval: field(count(0), 25_000, free("environment steps between evaluations; 0: never")),
  episodes: field(count(1), 10, free("episodes in each")),
  bestOf: field(
    count(1),
    1,
    free("actions drawn in each step, of which the critics choose; 1: the policy's mode; sac only"),
  ),
  seed: field(
    z.int().nonnegative(),
    10_000,
    free("seed of the first episode; the next use the next"),
  ),
});

const checkpoint = group("What survives a crash.", {
  intervalSeconds: field(
    z.number().nonnegative(),
    120,
    free("time between checkpoints; 0: not by time"),
  ),
  intervalSteps: field(count(0), 0, free("environment steps between checkpoints; 0: not by steps")),
  keep: field(count(1), 2, free("latest checkpoints kept")),
  milestoneInterval: field(
    count(0),
    0,
    free("environment steps between policies that are kept for good; 0: none"),
  ),
});

const metrics = group("What is seen.", {
  port: field(
    z.union([z.literal("auto"), z.literal("off"), z.int().min(0).max(65_535)], {
      error: 'must be "auto", "off" or a port number from 0 to 65535',
    }),
    "auto",
    free("HTTP port of the Prometheus metrics; auto or 0: any free port"),
  ),
  host: field(z.string().min(1), "127.0.0.1", free("address the metrics are served on")),
  logIntervalSeconds: field(positive(), 5, free("time between progress lines and logged records")),
});

const cluster = group("How a learner serves actors on other machines: `troupe learner`.", {
  listen: field(
    z.string().min(1),
    "127.0.0.1:7447",
    free("HOST:PORT actors connect to; port 0: any free one"),
  ),
  certs: field(
    z.string(),
    "",
    free("folder with the learner's certificates, made by `troupe certs`; empty: no TLS"),
  ),
  insecure: field(
    z.boolean(),
    false,
    free("serve other machines without TLS: whoever reaches the port may do anything"),
  ),
  localActors: field(count(0), 0, free("actor threads in the learner's own process")),
  actorsExpected: field(
    count(0),
    0,
    free("actors counted on, for alerts and for how far they may run ahead; 0: unknown"),
  ),
  durability: field(
    z.enum(["auto", "memory", "log"]),
    "auto",
    fixed(
      "when an unroll counts as safe: in replay (memory) or on the disk (log); auto: log, but memory for ppo",
    ),
  ),
  logQuotaBytes: field(
    count(1),
    10e9,
    free("disk space for the log of unrolls; what replay still holds is kept in any case"),
  ),
  maxActors: field(count(1), 1024, free("actors connected at a time")),
  maxPayloadBytes: field(count(1), 8_388_608, free("longest unroll taken, in bytes as sent")),
  windowSeconds: field(
    positive(),
    0.25,
    free(
      "unrolls on the way are at most what the learner takes in this time, two per actor at least",
    ),
  ),
  heartbeatSeconds: field(
    positive(),
    2,
    free(
      "learner and actors say something this often; after three times as long one counts as gone",
    ),
  ),
});

const run = group("Where it is kept.", {
  dir: field(z.string().min(1), "runs", free("folder that holds the run folders")),
  name: field(
    z.string().regex(/^[A-Za-z0-9][\w.=+-]*$/, {
      error: 'must start with a letter or digit and hold only those and "_ . = + -"',
    }),
    "auto",
    free("name of the run folder; auto: <env>__<algorithm>__<seed>__<date>"),
  ),
});

const presetNames = Object.keys(presetAlgorithms) as PresetName[];

const shape = z.strictObject({
  env,
  seed: field(z.int().nonnegative(), 1, fixed("root of every random stream")),
  totalSteps: field(count(1), 1e6, free("environment steps, over all actors")),
  deterministic: field(
    z.boolean(),
    false,
    fixed("one actor and learner take turns: bit-for-bit repeatable, also over a resume; slower"),
  ),
  preset: field(
    z.enum(["auto", ...presetNames]),
    "auto",
    fixed("algorithm and defaults to begin with; auto: those of algorithm.name"),
  ),
  algorithm,
  plugins,
  drqv2,
  ppo,
  pmoe,
  drm,
  replay,
  actors,
  learner,
  evaluation,
  checkpoint,
  metrics,
  cluster,
  run,
});

/** Everything a run can be told. Its text is the reference: `docs/config.md` is made from it. */
export const configSchema = shape.superRefine(checkRules);

/** A complete configuration: every field is there. */
export type Config = z.output<typeof shape>;

/** What a user writes: any part of it. */
export type ConfigInput = z.input<typeof shape>;
