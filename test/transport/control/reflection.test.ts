import { fileURLToPath } from "node:url";
import { ChannelCredentials, type ClientDuplexStream, loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { describe, expect, test, vi } from "vitest";
import { openControlServer } from "./control-server.ts";

type Stream = ClientDuplexStream<object, Answer>;
type ReflectionClient = { ServerReflectionInfo(): Stream; close(): void };

interface Answer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] } | null;
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] } | null;
  readonly errorResponse?: { readonly errorCode: number } | null;
}

/** The client that any gRPC library would make of the service's own proto file. */
function openReflection(port: number, version: "v1" | "v1alpha"): ReflectionClient {
  const file = `../../../node_modules/@grpc/reflection/build/proto/grpc/reflection/${version}/reflection.proto`;
  const loaded = loadPackageDefinition(loadSync(fileURLToPath(new URL(file, import.meta.url))));
  const { grpc } = loaded as unknown as {
    grpc: Record<
      "reflection",
      Record<string, { ServerReflection: new (...args: unknown[]) => ReflectionClient }>
    >;
  };
  const Reflection = grpc.reflection[version]!.ServerReflection;
  return new Reflection(`localhost:${port}`, ChannelCredentials.createInsecure());
}

async function ask(stream: Stream, request: object): Promise<Answer> {
  const answer = new Promise<Answer>((resolve) => stream.once("data", resolve));
  stream.write(request);
  return await answer;
}

describe.each(["v1", "v1alpha"] as const)("reflection %s", (version) => {
  test("lists the services and gives their descriptions", async () => {
    const warn = vi.spyOn(console, "warn");
    using server = await openControlServer(undefined);
    const client = openReflection(server.port, version);
    const stream = client.ServerReflectionInfo().on("error", () => {});
    const { listServicesResponse } = await ask(stream, { listServices: "*" });
    expect(listServicesResponse?.service.map(({ name }) => name).sort()).toEqual([
      "grpc.health.v1.Health",
      "troupe.v1.ActorService",
      "troupe.v1.ControlService",
    ]);
    const { fileDescriptorResponse } = await ask(stream, {
      fileContainingSymbol: "troupe.v1.ActorService",
    });
    const text = Buffer.concat([...(fileDescriptorResponse?.fileDescriptorProto ?? [])]).toString(
      "latin1",
    );
    for (const name of ["GetRun", "Session", "GetPolicy", "first_kept_sequence"])
      expect(text).toContain(name);
    expect(
      (await ask(stream, { fileContainingSymbol: "no.such.Thing" })).errorResponse?.errorCode,
    ).toBe(5);
    stream.end();
    client.close();
    expect(warn).not.toHaveBeenCalled();
  });
});
