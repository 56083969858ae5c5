import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { RunError } from "../errors.ts";
import type { MetricsRegistry } from "./registry.ts";

export interface MetricsServerOptions {
  readonly registry: MetricsRegistry;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What `/healthz` answers with: status 200 when `ok`, else 503. */
  readonly health?: () => HealthReport;
}

export interface HealthReport {
  readonly ok: boolean;
  readonly [detail: string]: unknown;
}

export interface MetricsServer extends AsyncDisposable {
  readonly port: number;
  /** Where Prometheus may scrape. */
  readonly url: string;
}

/**
 * Serves `/metrics` and `/healthz` over HTTP. It does not keep the process alive.
 * @throws RunError PORT_IN_USE
 */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { registry, host, port: wanted, health } = options;
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD") {
      respond(response, 405, "only GET\n");
    } else if (path === "/metrics") {
      registry.text().then(
        (text) => respond(response, 200, text, "text/plain; version=0.0.4; charset=utf-8"),
        (thrown: unknown) => respond(response, 500, `${RunError.from(thrown).message}\n`),
      );
    } else if (path === "/healthz") {
      const report = health?.() ?? { ok: true };
      respond(response, report.ok ? 200 : 503, `${JSON.stringify(report)}\n`, "application/json");
    } else {
      respond(response, 404, "see /metrics and /healthz\n");
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (thrown) => reject(listenError(thrown, host, wanted)));
    server.listen(wanted, host, resolve);
  });
  server.unref();
  const { port } = server.address() as AddressInfo;
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    port,
    url: `http://${name}:${port}/metrics`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function respond(response: ServerResponse, status: number, ...rest: [string, string?]): void {
  const [body, type = "text/plain; charset=utf-8"] = rest;
  response.writeHead(status, { "content-type": type }).end(body);
}

function listenError(thrown: NodeJS.ErrnoException, host: string, port: number): RunError {
  if (thrown.code === "EADDRINUSE") {
    const message = `port ${port} on ${host} is in use; set metrics.port to another one, or to auto`;
    return new RunError("PORT_IN_USE", message, { cause: thrown });
  }
  const message = `cannot serve metrics on ${host}:${port}: ${thrown.message}`;
  return new RunError("CONFIG_INVALID", message, { cause: thrown });
}
