/**
 * Question: does the cluster lose or double anything under faults?
 *
 * Campaigns of seeded faults against real processes, as in the tests but many more; each is compared as a
 * whole when it ends (docs/faults.md). Results are written after each campaign, and seeds that are there
 * from the same commit are not run again.
 *
 *     npm run build && npx tsc -p bench
 *     node bench/dist/bench/chaos.js [--seeds 1-10] [--faults 20] [--folder DIR]
 */
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type CampaignResult, missingFaults, runCampaign } from "../test/chaos/campaign.ts";
import { machine, quantile, repository, round, source, writeResult } from "./results.ts";

interface StoredCampaign {
  readonly commit: string;
  readonly seed: number;
  readonly faults: number;
  readonly problems: readonly string[];
  readonly recovered_ms: Readonly<Record<string, readonly number[]>>;
  readonly [fact: string]: unknown;
}

const RESULT = "chaos.json";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1-10" },
    faults: { type: "string", default: "20" },
    folder: { type: "string" },
  },
});

function storedCampaigns(commit: string): StoredCampaign[] {
  const file = join(repository, "bench", "results", RESULT);
  if (!existsSync(file)) return [];
  const { campaigns } = JSON.parse(readFileSync(file, "utf8")) as { campaigns: StoredCampaign[] };
  return campaigns.filter((campaign) => campaign.commit === commit);
}

function storedForm(result: CampaignResult, commit: string): StoredCampaign {
  const recovered: Record<string, number[]> = {};
  for (const { name, recoveredMs } of result.injected) {
    recovered[name] = [...(recovered[name] ?? []), recoveredMs];
  }
  return {
    commit,
    seed: result.seed,
    tls: result.isTls,
    faults: result.injected.length,
    problems: result.problems,
    seconds: result.seconds,
    learner_starts: result.learnerStarts,
    learner_failures: result.failures.map((failure) => failure.replaceAll(`${folder}/`, "")),
    incarnations: result.incarnations,
    segments: result.segments,
    logged_unrolls: result.logged,
    reported_durable: result.reportedDurable,
    refused: result.refused,
    unheard: result.unheard,
    env_steps: result.envSteps,
    updates: result.updates,
    best_return: round(Math.max(...result.returns), 2),
    shutdown_ms: result.shutdownMs,
    recovered_ms: recovered,
  };
}

function write(campaigns: readonly StoredCampaign[]): void {
  const sum = (of: (campaign: StoredCampaign) => unknown): number =>
    campaigns.reduce((total, campaign) => total + Number(of(campaign)), 0);
  const byFault = new Map<string, number[]>();
  for (const { recovered_ms } of campaigns) {
    for (const [name, times] of Object.entries(recovered_ms)) {
      byFault.set(name, [...(byFault.get(name) ?? []), ...times]);
    }
  }
  writeResult(RESULT, {
    benchmark: "chaos",
    ...source(),
    ...machine(),
    not_injected: Object.fromEntries(missingFaults()),
    faults: sum(({ faults }) => faults),
    problems: campaigns.flatMap(({ problems }) => problems),
    reported_durable: sum(({ reported_durable }) => reported_durable),
    logged_unrolls: sum(({ logged_unrolls }) => logged_unrolls),
    updates: sum(({ updates }) => updates),
    // From the end of a fault until every host got unrolls through again.
    recovery_ms: Object.fromEntries(
      [...byFault].map(([name, times]) => {
        const sorted = times.toSorted((a, b) => a - b);
        return [name, { count: times.length, median: quantile(sorted, 0.5), most: sorted.at(-1) }];
      }),
    ),
    campaigns,
  });
}

const [first = 1, last = first] = values.seeds.split("-").map(Number);
const folder = values.folder ?? mkdtempSync(join(tmpdir(), "troupe-chaos-"));
const { commit } = source();
const campaigns = storedCampaigns(commit);
process.chdir(repository);
for (let seed = first; seed <= last; seed++) {
  if (campaigns.some((campaign) => campaign.seed === seed)) continue;
  const result = await runCampaign({
    folder: join(folder, `seed-${seed}`),
    seed,
    faults: Number(values.faults),
  });
  campaigns.push(storedForm(result, commit));
  write(campaigns);
  console.log(
    `seed ${seed}: ${result.injected.length} faults, ${result.seconds} s`,
    result.problems,
  );
}
if (campaigns.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
