import type {
  ServerUnaryCall,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { RunError } from "../../errors.ts";
import {
  type ControlServiceServer,
  ControlServiceService,
  type GetStatusResponse,
} from "../generated/troupe/v1/control.ts";
import type { Role } from "../tls.ts";
import { authorise } from "./authorise.ts";
import { healthService } from "./health-service.ts";
import { reflectionServices } from "./reflection-services.ts";

/** What the services need of the process they are served by. */
export interface ControlHost {
  status(): GetStatusResponse;
  /** Resolves when it is on the disk; rejects saying why there is none. */
  checkpoint(): Promise<{ readonly name: string }>;
  stop(): void;
  /** Whether the learner makes progress. */
  health(): boolean;
  /** Hears of each call that was denied, to count it and to log it. */
  onDenied?(denied: DeniedCall): void;
}

/** A call by somebody whose role does not allow it. */
export interface DeniedCall {
  /** Such as "/troupe.v1.ControlService/Stop". */
  readonly method: string;
  /** The caller's address. */
  readonly peer: string;
  readonly message: string;
}

/** A service as `server.addService` takes it. */
export interface Service {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/**
 * ControlService, grpc.health.v1 and reflection, for the gateway's server. Health and reflection answer
 * everybody who could connect.
 */
export function controlServices(host: ControlHost): readonly Service[] {
  const implementation: ControlServiceServer = {
    getStatus: unary(host, "viewer", async () => host.status()),
    checkpoint: unary(host, "admin", async () => ({ name: (await host.checkpoint()).name })),
    stop: unary(host, "admin", async () => {
      host.stop();
      return {};
    }),
  };
  return [
    { definition: ControlServiceService, implementation },
    healthService(host),
    ...reflectionServices(),
  ];
}

type UnaryHandler<Request, Response> = (
  call: ServerUnaryCall<Request, Response>,
  callback: sendUnaryData<Response>,
) => void;

/** A handler for those with a role, whose failures become a status with their message. */
function unary<Request, Response>(
  host: ControlHost,
  role: Role,
  answer: () => Promise<Response>,
): UnaryHandler<Request, Response> {
  return (call, callback) => {
    const denial = authorise(call, role);
    if (denial !== undefined) {
      host.onDenied?.({ method: call.getPath(), peer: call.getPeer(), message: denial.message });
      callback(denial);
      return;
    }
    answer().then(
      (response) => callback(null, response),
      (thrown: unknown) =>
        callback({ code: status.INTERNAL, details: RunError.from(thrown).message }),
    );
  };
}
