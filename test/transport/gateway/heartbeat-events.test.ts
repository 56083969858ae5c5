import { describe, expect, test } from "vitest";
import { heartbeatEvents } from "../../../src/transport/gateway/heartbeat-events.ts";
import type { EpisodeEnd } from "../../../src/transport/generated/troupe/v1/actor.ts";

const end: EpisodeEnd = { outcome: 1, episodeReturn: 12, episodeLength: 5, reason: "" };

describe("what a heartbeat tells the run", () => {
  test("is a failure, then the ends of episodes, with the actor's slot", () => {
    const heartbeat = { episodes: [end], envFailures: ["{}"] };
    expect(heartbeatEvents(3, heartbeat)).toEqual([
      { type: "env-failure", failure: "{}" },
      { type: "episode", slot: 3, end },
    ]);
  });

  test("is no return that is not finite, and no failure beyond its size", () => {
    const episodes = [NaN, Infinity, 1].map((episodeReturn) => ({ ...end, episodeReturn }));
    const events = heartbeatEvents(0, { episodes, envFailures: ["x".repeat(4e6 + 1)] });
    expect(events).toEqual([{ type: "episode", slot: 0, end: { ...end, episodeReturn: 1 } }]);
  });

  test("is bounded: 1000 episodes, one failure, 300 characters of a reason", () => {
    const episodes = Array.from({ length: 1001 }, () => ({ ...end, reason: "y".repeat(301) }));
    const events = heartbeatEvents(0, { episodes, envFailures: ["{}", "{}"] });
    const told = events.flatMap((event) => (event.type === "episode" ? [event.end] : []));
    expect(events).toHaveLength(1001);
    expect(told).toHaveLength(1000);
    expect(new Set(told.map(({ reason }) => reason.length))).toEqual(new Set([300]));
  });
});
