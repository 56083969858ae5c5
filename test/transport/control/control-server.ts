import { Server } from "@grpc/grpc-js";
import {
  type ControlHost,
  controlServices,
  type DeniedCall,
} from "../../../src/transport/control/control-services.ts";
import { GetStatusResponse } from "../../../src/transport/generated/troupe/v1/control.ts";
import type { TlsIdentity } from "../../../src/transport/tls.ts";
import { serverCredentials } from "../../../src/transport/tls-credentials.ts";
import { reportTlsRefusals, type TlsRefusal } from "../../../src/transport/tls-refusals.ts";

/** Short, so that a test can wait for it; long enough for a handshake on a busy machine. */
const HANDSHAKE_TIMEOUT_MS = 1_500;

export const someStatus = GetStatusResponse.create({
  runId: "r1",
  term: 2,
  envId: "HalfCheetah-v5",
  algorithm: "sac",
  envSteps: 250_000,
  totalSteps: 1_000_000,
  learnerSteps: 240_000,
  uptimeSeconds: 3_725,
  limiter: {
    sentence: "nobody waits",
    waiting: "nobody",
    error: 1.5,
    low: Number.NEGATIVE_INFINITY,
    high: 9,
    replaySize: 250_000,
  },
  actors: [
    {
      slot: 0,
      incarnation: 3,
      host: "node-a",
      index: 1,
      connected: true,
      peer: "10.0.0.7:51234",
      silentSeconds: 0.4,
      acceptedFrames: 1_200,
      durableFrames: 1_199,
      credit: 7,
      envStepsPerSecond: 812.3,
      policyVersion: 239_990,
      refusedFrames: 1,
      outboxFrames: 2,
    },
    { slot: 1, incarnation: 1, host: "node-b", policyVersion: -1, silentSeconds: 75 },
  ],
  queuedFrames: 4,
  log: { sizeBytes: 2_500_000_000, quotaBytes: 10_000_000_000, pendingFrames: 1, trouble: "" },
});

/** A gRPC server with the control services on a free port of 127.0.0.1, and what it was asked. */
export interface ControlServer extends Disposable {
  readonly port: number;
  readonly asked: string[];
  readonly denied: DeniedCall[];
  readonly refused: TlsRefusal[];
  healthy: boolean;
}

export async function openControlServer(
  tls: TlsIdentity | undefined,
  overrides: Partial<ControlHost> = {},
): Promise<ControlServer> {
  const server = new Server();
  const state = {
    asked: [] as string[],
    denied: [] as DeniedCall[],
    refused: [] as TlsRefusal[],
    healthy: true,
  };
  const services = controlServices({
    status: () => someStatus,
    checkpoint: async () => {
      state.asked.push("checkpoint");
      return { name: "step-000000240000" };
    },
    stop: () => void state.asked.push("stop"),
    health: () => state.healthy,
    onDenied: (denied) => void state.denied.push(denied),
    ...overrides,
  });
  for (const { definition, implementation } of services)
    server.addService(definition, implementation);
  using _refusals = reportTlsRefusals(
    (refusal) => state.refused.push(refusal),
    HANDSHAKE_TIMEOUT_MS,
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", serverCredentials(tls), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return Object.assign(state, { port, [Symbol.dispose]: () => server.forceShutdown() });
}
