import { type GetRunResponse, type Hello, RefusalReason } from "../generated/troupe/v1/actor.ts";
import type { GatewayJournal } from "./gateway-journal.ts";
import { checkHello, type SessionFault } from "./hello-check.ts";
import type { Member, Members } from "./members.ts";
import type { Roster, Seat } from "./roster.ts";
import type { Sender } from "./sender.ts";
import type { Session, SessionEnd } from "./session.ts";

export interface AdmissionOptions {
  readonly run: Pick<GetRunResponse, "runId" | "envId" | "shape">;
  readonly roster: Roster;
  readonly members: Members;
  readonly journal: GatewayJournal;
}

/** Who gets in, and who has to leave for that. */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Takes an actor in; a session it had is over. */
  admit(session: Session, hello: Hello, now: number): Seat | SessionFault {
    const { run, roster, members, journal } = this.#options;
    const result = checkHello(hello, run) ?? roster.seat(hello, now);
    if ("reason" in result) return result;
    const { sender, cursor } = result;
    const { slot, host, index } = cursor;
    this.#endFormer(sender);
    const { peer } = session;
    const before = members.at(slot);
    const report = before?.sender === sender ? before.report : undefined;
    const member = { sender, host, index, session, peer, lastHeard: now, report };
    members.enter(member);
    journal.joined(member, hello.resume ? "is back in" : "takes");
    return result;
  }

  /** Who leaves for good sets the slot free. */
  exit(member: Member, { kind }: SessionEnd): void {
    const { roster, members } = this.#options;
    members.exit(member);
    if (kind === "goodbye") roster.leave(member.sender);
  }

  /** The slot's session before this one: of the same process by another stream, or of one that is replaced. */
  #endFormer(sender: Sender): void {
    const before = this.#options.members.at(sender.slot);
    if (before?.session === undefined) return;
    if (before.sender === sender) before.session.replace();
    else {
      before.session.refuse({
        reason: RefusalReason.REFUSAL_REASON_FENCED,
        message: `slot ${sender.slot} now belongs to incarnation ${sender.incarnation}; this process should end`,
      });
    }
  }
}
