import { fileURLToPath } from "node:url";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthProto } from "grpc-health-check";
import type { Service } from "./control-services.ts";

/** Beside both src/ and dist/, and part of the package. */
const PROTO_FOLDER = fileURLToPath(new URL("../../../proto", import.meta.url));
const FILES = ["troupe/v1/actor.proto", "troupe/v1/control.proto", healthProto];

/** Reflection, v1 and v1alpha: clients such as grpcurl learn the services and messages from the server. */
export function reflectionServices(): readonly Service[] {
  const reflection = new ReflectionService(
    loadSync(FILES, { includeDirs: [PROTO_FOLDER], keepCase: true }),
  );
  const services: Service[] = [];
  reflection.addToServer({
    addService: (definition, implementation) => services.push({ definition, implementation }),
  });
  return services;
}
