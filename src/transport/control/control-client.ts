import { Client, type ClientOptions, Metadata, status } from "@grpc/grpc-js";
import { service as healthDefinition } from "grpc-health-check";
import { type ErrorCode, RunError } from "../../errors.ts";
import {
  type CheckpointResponse,
  ControlServiceService,
  type GetStatusResponse,
  type StopResponse,
} from "../generated/troupe/v1/control.ts";
import type { TlsIdentity } from "../tls.ts";
import { channelSecurity } from "../tls-credentials.ts";
import { explainConnectionError } from "../tls-errors.ts";

/** The learner that is asked. */
export interface ControlTarget {
  /** HOST:PORT */
  readonly address: string;
  readonly tls: TlsIdentity | undefined;
  /** Longest wait for an answer. */
  readonly timeoutMs: number;
}

/** A unary method of a service definition. */
interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

const options: ClientOptions = {
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
};

/** Asks a learner's ControlService and its health. Every failure is a RunError with one clear sentence. */
export class ControlClient implements Disposable {
  readonly #target: ControlTarget;
  readonly #client: Client;

  constructor(target: ControlTarget) {
    const { address, tls } = target;
    const security = channelSecurity(address, tls);
    this.#target = target;
    this.#client = new Client(address, security.credentials, { ...options, ...security.options });
  }

  /** @throws RunError LEARNER_LOST, or LEARNER_REFUSED without the role viewer or admin. */
  status(): Promise<GetStatusResponse> {
    return this.#ask(ControlServiceService.getStatus, {});
  }

  /** Resolves when it is on the disk. @throws RunError LEARNER_LOST, or LEARNER_REFUSED without the role admin. */
  checkpoint(): Promise<CheckpointResponse> {
    return this.#ask(ControlServiceService.checkpoint, {});
  }

  /** @throws RunError LEARNER_LOST, or LEARNER_REFUSED without the role admin. */
  stop(): Promise<StopResponse> {
    return this.#ask(ControlServiceService.stop, {});
  }

  /** SERVING or not, for a service's name; the empty one is the server as a whole. @throws RunError LEARNER_LOST. */
  async health(service: string): Promise<string> {
    const method = healthDefinition["Check"] as unknown as Method<object, { status: string }>;
    return (await this.#ask(method, { service })).status;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #ask<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    const { address, tls, timeoutMs } = this.#target;
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata(),
        { deadline: Date.now() + timeoutMs },
        (error, response) => {
          if (error)
            reject(new RunError(codeOf(error), explainConnectionError(error, address, tls)));
          else resolve(response as Response);
        },
      );
    });
  }
}

function codeOf(error: { readonly code: status }): ErrorCode {
  const isLost = error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED;
  return isLost ? "LEARNER_LOST" : "LEARNER_REFUSED";
}
