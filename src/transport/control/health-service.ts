import {
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { service as definition } from "grpc-health-check";
import type { Service } from "./control-services.ts";

/** Services whose health may be asked for; the empty name is the server as a whole. */
const NAMES = ["", "troupe.v1.ActorService"];
const POLL_MS = 500;

interface HealthRequest {
  readonly service: string;
}

interface HealthResponse {
  readonly status: "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";
}

/** grpc.health.v1, which follows `host.health()`. */
export function healthService(host: { health(): boolean }): Service {
  const current = (): HealthResponse => ({ status: host.health() ? "SERVING" : "NOT_SERVING" });
  const implementation = {
    check(
      { request }: ServerUnaryCall<HealthRequest, HealthResponse>,
      callback: sendUnaryData<HealthResponse>,
    ): void {
      if (NAMES.includes(request.service)) callback(null, current());
      else
        callback({ code: status.NOT_FOUND, details: `there is no service "${request.service}"` });
    },

    /** Says the state at once and then each change. A service nobody knows stays unknown: none is ever added. */
    watch(call: ServerWritableStream<HealthRequest, HealthResponse>): void {
      if (!NAMES.includes(call.request.service)) {
        call.write({ status: "SERVICE_UNKNOWN" });
        return;
      }
      let last: string | undefined;
      const tell = (): void => {
        const response = current();
        if (response.status !== last) call.write(response);
        last = response.status;
      };
      tell();
      const timer = setInterval(tell, POLL_MS);
      call.on("close", () => clearInterval(timer));
    },

    list(_call: unknown, callback: sendUnaryData<unknown>): void {
      callback(null, { statuses: Object.fromEntries(NAMES.map((name) => [name, current()])) });
    },
  };
  return { definition, implementation };
}
