import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const FIRST = 10_000;
const COUNT = 6_000;
const TRIES = 100;

/**
 * A port that nobody listens on, for a server that must come back under it.
 *
 * Not one that the system gives out: between two lives of the server another process might be given it, or a
 * connection to the server that is away might come from that very port and so reach itself.
 */
export async function freePort(): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (!isGivenOut(port) && (await isFree(port))) return port;
  }
  throw new Error(`no port from ${FIRST} to ${FIRST + COUNT} is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

function isGivenOut(port: number): boolean {
  try {
    const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    const [first = 0, last = 0] = range.trim().split(/\s+/).map(Number);
    return first > FIRST && first <= port && port <= last;
  } catch {
    return false;
  }
}
