import { listEnvs, makeEnv } from "../../src/envs/registry.ts";
import { envContract } from "./env-contract.ts";

for (const { id } of listEnvs()) envContract(id, (options) => makeEnv(id, options));
