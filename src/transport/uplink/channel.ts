import {
  type ChannelOptions,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { RunError } from "../../errors.ts";
import {
  ActorServiceClient,
  type GetPolicyRequest,
  type GetPolicyResponse,
  type GetRunRequest,
  type GetRunResponse,
  type LearnerMessage,
} from "../generated/troupe/v1/actor.ts";
import { PROTOCOL_VERSION } from "../protocol-version.ts";
import type { TlsIdentity } from "../tls.ts";
import { channelSecurity } from "../tls-credentials.ts";
import { explainConnectionError } from "../tls-errors.ts";

const MAX_MESSAGE_BYTES = 64 << 20;
/** HTTP/2 flow control: a window of 64 KiB, the default, carries 1 MB/s at 40 ms. */
const WINDOW_BYTES = 4 << 20;

const options: ChannelOptions = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  "grpc-node.flow_control_window": WINDOW_BYTES,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.keepalive_permit_without_calls": 1,
  // Would keep what was sent on a long stream, to send it again; that is the outbox's work.
  "grpc.enable_retries": 0,
  "grpc.use_local_subchannel_pool": 1,
  // Callers pause between their calls; a channel with pauses of its own would only add to them.
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 100,
  // A learner that moved has another address under the same name; 30 s by default.
  "grpc.dns_min_time_between_resolutions_ms": 500,
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_http_proxy": 0,
};

const GET_RUN_TIMEOUT_MS = 5_000;

/** Answers that trying again does not change. */
const FINAL: readonly status[] = [
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.UNIMPLEMENTED,
  status.FAILED_PRECONDITION,
  status.INVALID_ARGUMENT,
];

/** How Node and grpc-js say that a connection ended without a word. */
const BROKEN =
  /ECONNRESET|EPIPE|socket hang up|connection (closed|dropped)|disconnected before secure TLS/i;

/** A failed call in a sentence, as an error if trying again is in vain. */
export interface CallFailure {
  readonly message: string;
  readonly error?: RunError;
}

/** The way to a learner. It connects with its first call, and again with each that finds it broken. */
export class LearnerChannel implements Disposable {
  /** HOST:PORT or unix:PATH. */
  readonly address: string;
  readonly #tls: TlsIdentity | undefined;
  #client: ActorServiceClient;
  #generation = 0;
  #hasAnswered = false;
  #renewal = "";

  constructor(address: string, tls: TlsIdentity | undefined) {
    this.address = address;
    this.#tls = tls;
    this.#client = this.#connect();
  }

  /** Numbers the connections that were given up by `renew`. */
  get generation(): number {
    return this.#generation;
  }

  /** Why the last one was given up. */
  get renewal(): string {
    return this.#renewal;
  }

  /**
   * Gives a connection up over which nothing comes: what was lost on a broken link is repeated ever more
   * slowly, while a new connection is there at once when the link is. Calls that wait for it fail.
   *
   * grpc-js closes the old socket only when it is answered, so this must not be done often.
   *
   * @param generation The one that was found dead; a later one is left alone.
   */
  renew(generation: number, why: string): void {
    if (generation !== this.#generation) return;
    this.#generation += 1;
    this.#renewal = why;
    this.#client.close();
    this.#client = this.#connect();
  }

  /** Asks for the run, once. @throws ServiceError */
  async getRun(signal: AbortSignal): Promise<GetRunResponse> {
    const request = { protocolVersion: PROTOCOL_VERSION };
    const { path, requestSerialize, responseDeserialize } = ActorServiceClient.service.getRun;
    let cancel = (): void => undefined;
    try {
      return await new Promise((resolve, reject) => {
        const call = this.#client.makeUnaryRequest<GetRunRequest, GetRunResponse>(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          new Metadata(),
          { deadline: Date.now() + GET_RUN_TIMEOUT_MS },
          (error, response) => {
            this.#hasAnswered ||= response !== undefined;
            if (response) resolve(response);
            else reject(error ?? new Error("GetRun was answered with nothing"));
          },
        );
        cancel = () => call.cancel();
        signal.addEventListener("abort", cancel, { once: true });
        if (signal.aborted) cancel();
      });
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** A Session whose messages up are bytes already. */
  openSession(): ClientDuplexStream<Buffer, LearnerMessage> {
    const { path, responseDeserialize } = ActorServiceClient.service.session;
    return this.#client.makeBidiStreamRequest<Buffer, LearnerMessage>(
      path,
      (bytes) => bytes,
      responseDeserialize,
    );
  }

  getPolicy(request: GetPolicyRequest): ClientReadableStream<GetPolicyResponse> {
    return this.#client.getPolicy(request);
  }

  /** What went wrong with a call. */
  explain(thrown: Error): CallFailure {
    const { code, details } = thrown as Partial<ServiceError>;
    if (code === undefined) return { message: `${this.address}: ${thrown.message}` };
    // Whoever has answered over this channel needs no advice on TLS and certificates.
    if (this.#hasAnswered && code === status.UNAVAILABLE && BROKEN.test(thrown.message)) {
      return { message: `the connection to ${this.address} broke` };
    }
    const explained = explainConnectionError(thrown, this.address, this.#tls);
    if (!FINAL.includes(code)) return { message: explained };
    // Here the learner itself says what does not fit.
    const isOurs = code === status.FAILED_PRECONDITION || code === status.INVALID_ARGUMENT;
    const message = isOurs ? `${this.address}: ${details ?? thrown.message}` : explained;
    return { message, error: new RunError("LEARNER_REFUSED", message) };
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #connect(): ActorServiceClient {
    const security = channelSecurity(this.address, this.#tls);
    const all = { ...options, ...security.options };
    return new ActorServiceClient(this.address, security.credentials, all);
  }
}

/** The status that a call ended with, as a label: "OK", "UNAVAILABLE". */
export function statusName(thrown: Error | undefined): string {
  if (!thrown) return "OK";
  const { code } = thrown as Partial<ServiceError>;
  return code === undefined ? "UNKNOWN" : (status[code] ?? "UNKNOWN");
}

export function isTimeout(thrown: unknown): boolean {
  return (thrown as Partial<ServiceError>).code === status.DEADLINE_EXCEEDED;
}

/** Whether two machines fail to agree on who they are, which time alone will not change. */
export function isTlsFailure(thrown: Error): boolean {
  // A connection that breaks while it greets, or on which bytes change, says nothing of certificates.
  if (/disconnected before secure TLS|bad record mac/.test(thrown.message)) return false;
  return /certificate|self.signed|altnames|\bSSL\b|\bTLS\b|EPROTO|wrong version number/i.test(
    thrown.message,
  );
}
