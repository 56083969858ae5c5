import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { GetStatusResponse } from "../generated/troupe/v1/control.ts";

/** What the services need of the process they are served by. */
export interface ControlHost {
  status(): GetStatusResponse;
  /** Resolves when it is on the disk; rejects with a RunError saying why there is none. */
  checkpoint(): Promise<{ readonly name: string }>;
  stop(): void;
  /** Whether the learner makes progress. */
  health(): boolean;
  /** Hears of each call that was denied, to count it and to log it. */
  onDenied?(denied: { readonly method: string; readonly message: string }): void;
}

/** A service as `server.addService` takes it. */
export interface Service {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** ControlService, grpc.health.v1 and reflection, for the gateway's server. */
export function controlServices(host: ControlHost): readonly Service[] {
  void host;
  throw new Error("not yet");
}
