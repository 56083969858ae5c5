import type { Heartbeat } from "../generated/troupe/v1/actor.ts";
import type { ActorStatus } from "../generated/troupe/v1/control.ts";
import type { Sender } from "./sender.ts";
import type { Session } from "./session.ts";

/** An actor that left is shown for so long. */
const REMEMBERED_MS = 600_000;

/** An actor as the learner sees it, here or gone a while ago. */
export interface Member {
  readonly sender: Sender;
  readonly host: string;
  readonly index: number;
  /** Its conversation; undefined while it is away. */
  session: Session | undefined;
  peer: string;
  lastHeard: number;
  report: Heartbeat | undefined;
}

/** The holder of each slot since this learner started, for delivery and for `troupe status`. */
export class Members {
  readonly #bySlot = new Map<number, Member>();
  #connected = 0;

  /** Number of actors with a session. */
  get connected(): number {
    return this.#connected;
  }

  at(slot: number): Member | undefined {
    return this.#bySlot.get(slot);
  }

  of(session: Session): Member | undefined {
    const member = session.sender && this.#bySlot.get(session.sender.slot);
    return member?.session === session ? member : undefined;
  }

  /** An actor takes its slot, or comes back to it. Whoever had a session there has none any more. */
  enter(member: Member): void {
    const { slot } = member.sender;
    const before = this.#bySlot.get(slot);
    if (before?.session) this.exit(before);
    this.#bySlot.set(slot, member);
    this.#connected++;
  }

  exit(member: Member): void {
    if (member.session === undefined) return;
    member.lastHeard = member.session.lastHeard;
    member.session = undefined;
    this.#connected--;
  }

  forgetOld(now: number): void {
    for (const [slot, { session, lastHeard }] of this.#bySlot) {
      if (session === undefined && now - lastHeard > REMEMBERED_MS) this.#bySlot.delete(slot);
    }
  }

  /** Milliseconds since the last word of the actor with a session that has been silent the longest. */
  longestSilence(now: number): number {
    let longest = 0;
    for (const { session } of this.#bySlot.values()) {
      if (session) longest = Math.max(longest, now - session.lastHeard);
    }
    return longest;
  }

  /** Frames that actors may send before they hear more. */
  get credit(): number {
    let sum = 0;
    for (const { session } of this.#bySlot.values()) sum += session?.credit ?? 0;
    return sum;
  }

  /** Number of actors that have used up what they may send. */
  get withoutCredit(): number {
    let count = 0;
    for (const { session } of this.#bySlot.values()) if (session?.credit === 0) count++;
    return count;
  }

  statuses(now: number): ActorStatus[] {
    return [...this.#bySlot.values()]
      .sort((a, b) => a.sender.slot - b.sender.slot)
      .map((member) => statusOf(member, now));
  }
}

function statusOf({ sender, host, index, session, peer, lastHeard, report }: Member, now: number) {
  return {
    slot: sender.slot,
    incarnation: sender.incarnation,
    host,
    index,
    connected: session !== undefined,
    peer,
    silentSeconds: (now - (session?.lastHeard ?? lastHeard)) / 1000,
    acceptedFrames: sender.next,
    durableFrames: sender.durable,
    credit: session?.credit ?? 0,
    envStepsPerSecond: report?.envStepsPerSecond ?? 0,
    policyVersion: report?.policyVersion ?? -1,
    refusedFrames: sender.refusedFrames,
    outboxFrames: report?.outboxFrames ?? 0,
  };
}
