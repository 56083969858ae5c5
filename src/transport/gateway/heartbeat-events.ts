import type { Heartbeat } from "../generated/troupe/v1/actor.ts";
import type { GatewayEvent } from "./gateway-task.ts";

/** Told by one heartbeat at most. */
const MOST_EPISODES = 1000;
const MOST_FAILURES = 1;
/** Of texts, which are somebody else's. */
const MOST_REASON_LENGTH = 300;
const MOST_FAILURE_LENGTH = 4e6;

/** What the run is told of an actor's heartbeat; what is beyond the bounds or makes no sense is left out. */
export function heartbeatEvents(
  slot: number,
  { episodes, envFailures }: Pick<Heartbeat, "episodes" | "envFailures">,
): GatewayEvent[] {
  const failures = envFailures
    .slice(0, MOST_FAILURES)
    .filter((failure) => failure.length <= MOST_FAILURE_LENGTH);
  const ends = episodes
    .slice(0, MOST_EPISODES)
    .filter(({ episodeReturn }) => Number.isFinite(episodeReturn));
  return [
    ...failures.map((failure) => ({ type: "env-failure", failure }) as const),
    ...ends.map((end) => {
      const reason = end.reason.slice(0, MOST_REASON_LENGTH);
      return { type: "episode", slot, end: { ...end, reason } } as const;
    }),
  ];
}
