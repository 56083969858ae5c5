import type { MessagePort } from "node:worker_threads";
import type { Endpoint } from "comlink";
import nodeEndpoint from "comlink/dist/umd/node-adapter.js";

/** A Node port as comlink wants it. The adapter's types say `default`, Node hands over the function. */
export const comlinkPort = nodeEndpoint as unknown as (port: MessagePort) => Endpoint;
