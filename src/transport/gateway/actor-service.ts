import {
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerWritableStream,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { RunError } from "../../errors.ts";
import type { MetricsRecorder } from "../../metrics/recorder.ts";
import { authorise } from "../control/authorise.ts";
import type { DeniedCall, Service } from "../control/control-services.ts";
import {
  type ActorMessage,
  ActorServiceService,
  type GetPolicyRequest,
  type GetRunRequest,
  type GetRunResponse,
  type LearnerMessage,
} from "../generated/troupe/v1/actor.ts";
import { PROTOCOL_VERSION } from "../protocol-version.ts";
import type { Gateway } from "./gateway.ts";
import type { PolicyFeed } from "./policy-feed.ts";

export interface ActorServiceOptions {
  readonly run: GetRunResponse;
  readonly gateway: Gateway;
  readonly policies: PolicyFeed;
  readonly recorder: MetricsRecorder;
  /** Calls waiting for a policy, or getting one, at most. */
  readonly mostPolicyCalls: number;
  readonly onDenied: (denied: DeniedCall) => void;
  /** A message could not be dealt with. */
  readonly onFailure: (thrown: unknown) => void;
  /** Frames came, or somebody waits. */
  readonly onActivity: () => void;
}

type SessionStream = ServerDuplexStream<ActorMessage, LearnerMessage>;
type PolicyCall = ServerWritableStream<GetPolicyRequest, Buffer>;

/** The calls of ActorService, wired to the gateway. Needs the role `actor`. */
export class ActorService {
  readonly service: Service;
  readonly #options: ActorServiceOptions;
  readonly #calls = new Set<unknown>();
  #isClosing = false;

  constructor(options: ActorServiceOptions) {
    this.#options = options;
    const implementation: UntypedServiceImplementation = {
      getRun: this.#getRun,
      session: (call: SessionStream) => this.#session(call),
      getPolicy: (call: PolicyCall) => this.#getPolicy(call),
    };
    // Policies come encoded, the same bytes for everybody.
    const getPolicy = {
      ...ActorServiceService.getPolicy,
      responseSerialize: (slice: Buffer) => slice,
    };
    this.service = { definition: { ...ActorServiceService, getPolicy }, implementation };
  }

  /** Calls that are not over. */
  get openCalls(): number {
    return this.#calls.size;
  }

  /** Turns new calls away. */
  close(): void {
    this.#isClosing = true;
    this.#options.policies.close("the learner stops");
  }

  readonly #getRun: handleUnaryCall<GetRunRequest, GetRunResponse> = (call, callback) => {
    const turnedAway = this.#turnAway(call);
    if (turnedAway) {
      this.#count("GetRun", turnedAway.code);
      callback(turnedAway);
      return;
    }
    const { protocolVersion } = call.request;
    if (protocolVersion !== PROTOCOL_VERSION) {
      const details = `you speak protocol ${protocolVersion}, the learner ${PROTOCOL_VERSION}`;
      this.#count("GetRun", status.FAILED_PRECONDITION);
      callback({ code: status.FAILED_PRECONDITION, details });
      return;
    }
    this.#count("GetRun", status.OK);
    callback(null, this.#options.run);
  };

  #session(call: SessionStream): void {
    if (this.#end("Session", call, this.#turnAway(call))) return;
    const { gateway, onActivity, onFailure } = this.#options;
    const session = gateway.connect({
      peer: peerOf(call),
      send: (message) => call.write(message),
      end: () => call.end(),
    });
    call.on("data", (message: ActorMessage) => {
      try {
        session.receive(message);
      } catch (thrown) {
        // A fault of ours must not end the others' sessions.
        call.emit("error", { code: status.INTERNAL, details: RunError.from(thrown).message });
        onFailure(thrown);
      }
      onActivity();
    });
    call.on("drain", () => session.drained());
    call.on("end", () => session.lost());
    call.on("error", () => session.lost());
    call.on("cancelled", () => session.lost());
    this.#follow("Session", call);
  }

  #getPolicy(call: PolicyCall): void {
    if (this.#end("GetPolicy", call, this.#turnAway(call) ?? this.#wrongPolicy(call))) return;
    const { policies, onActivity } = this.#options;
    this.#follow("GetPolicy", call);
    policies.subscribe(call, call.request.havePublication);
    onActivity();
  }

  #wrongPolicy({ request }: PolicyCall): CallFault | undefined {
    const { run, policies, mostPolicyCalls } = this.#options;
    if (request.runId !== "" && request.runId !== run.runId) {
      const details = `policies of run ${JSON.stringify(request.runId.slice(0, 100))} are wanted, the learner runs ${run.runId}`;
      return { code: status.FAILED_PRECONDITION, details };
    }
    if (policies.size < mostPolicyCalls) return undefined;
    return { code: status.RESOURCE_EXHAUSTED, details: "too many calls wait for policies" };
  }

  /** Why nothing is done for the caller. */
  #turnAway(call: CallInfo): CallFault | undefined {
    if (this.#isClosing) return { code: status.UNAVAILABLE, details: "the learner stops" };
    const denial = authorise(call, "actor");
    if (denial) {
      const { message } = denial;
      this.#options.onDenied({ method: call.getPath(), peer: peerOf(call), message });
    }
    return denial;
  }

  #end(method: string, call: SessionStream | PolicyCall, fault: CallFault | undefined): boolean {
    if (fault === undefined) return false;
    call.emit("error", fault);
    this.#count(method, fault.code);
    return true;
  }

  #follow(method: string, call: SessionStream | PolicyCall): void {
    const began = performance.now();
    this.#calls.add(call);
    let code = status.OK;
    call.on("error", (error: Partial<CallFault>) => {
      code = error.code ?? status.UNKNOWN;
    });
    call.on("cancelled", () => {
      if (!this.#calls.delete(call)) return;
      this.#count(method, call.writableFinished || code !== status.OK ? code : status.CANCELLED);
      const seconds = (performance.now() - began) / 1000;
      this.#options.recorder.observe("troupe_grpc_request_duration_seconds", seconds, { method });
    });
  }

  #count(method: string, code: status): void {
    this.#options.recorder.inc("troupe_grpc_requests_total", 1, { method, code: status[code] });
  }
}

interface CallFault {
  readonly code: status;
  readonly details: string;
}

type CallInfo = Pick<SessionStream | PolicyCall, "getPeer" | "getPath" | "getAuthContext">;

/** Unix sockets have no address. */
function peerOf(call: Pick<CallInfo, "getPeer">): string {
  const peer = call.getPeer();
  return peer === "unknown" ? "this machine" : peer;
}
