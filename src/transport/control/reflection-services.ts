import { fileURLToPath } from "node:url";
import type { ServerDuplexStream, UntypedHandleCall } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthProto } from "grpc-health-check";
import type { Service } from "./control-services.ts";

/** Beside both src/ and dist/, and part of the package. */
const PROTO_FOLDER = fileURLToPath(new URL("../../../proto", import.meta.url));
const FILES = ["troupe/v1/actor.proto", "troupe/v1/control.proto", healthProto];

/** Reflection, v1 and v1alpha: clients such as grpcurl learn the services and messages from the server. */
export function reflectionServices(): readonly Service[] {
  const reflection = new ReflectionService(loadSync(FILES, { includeDirs: [PROTO_FOLDER] }));
  const services: Service[] = [];
  reflection.addToServer({
    addService: (definition, { ServerReflectionInfo: handle }) => {
      services.push({ definition, implementation: { ServerReflectionInfo: paced(handle) } });
    },
  });
  return services;
}

type Stream = ServerDuplexStream<unknown, unknown>;

/** The package's handler answers whatever comes; one who asks without reading the answers has to wait here. */
function paced(handle: UntypedHandleCall | undefined): (stream: Stream) => void {
  return (stream) => {
    const write = stream.write.bind(stream);
    stream.write = (chunk: unknown): boolean => {
      const room = write(chunk);
      if (!room) {
        stream.pause();
        stream.once("drain", () => stream.resume());
      }
      return room;
    };
    (handle as (stream: Stream) => void)(stream);
  };
}
