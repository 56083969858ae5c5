import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { RandomStream } from "../../src/math/random.ts";
import { Lane, type LaneCounts, type LaneFaults, NO_FAULTS, type Tamper } from "./lane.ts";

/** up: from whoever connects to the target; down: back. */
export type Direction = "up" | "down";

export interface ProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** Listens here; 127.0.0.1 by default. */
  readonly host?: string;
  /** Of all random numbers. */
  readonly seed: number;
}

/** What the proxy did so far. */
export interface ProxyCounts {
  connections: number;
  /** Connections ended by a reset, on demand or after so many bytes. */
  resets: number;
  /** Connections reset before they began. */
  refused: number;
  readonly up: LaneCounts;
  readonly down: LaneCounts;
}

interface Connection {
  readonly near: Socket;
  readonly far: Socket;
  readonly lanes: readonly Lane[];
}

/** What new connections meet. silent: they are taken and nothing ever comes back. */
export type Door = "open" | "refusing" | "silent";

/**
 * A TCP proxy that misbehaves on demand, between a real client and a real server.
 *
 * Faults hold for all connections, those to come too, until they are changed. A stalled connection goes
 * on after `heal` as if nothing had been; one that lost bytes (half-open) is reset, as by a host that
 * comes back without knowing of it.
 */
export class ChaosProxy implements AsyncDisposable {
  readonly counts: ProxyCounts = {
    connections: 0,
    resets: 0,
    refused: 0,
    up: { forwardedBytes: 0, swallowedBytes: 0, corruptedBytes: 0 },
    down: { forwardedBytes: 0, swallowedBytes: 0, corruptedBytes: 0 },
  };
  readonly #server: Server;
  #target: ProxyOptions["target"];
  readonly #random: RandomStream;
  readonly #connections = new Set<Connection>();
  readonly #silent = new Set<Socket>();
  readonly #faults: Record<Direction, LaneFaults> = { up: NO_FAULTS, down: NO_FAULTS };
  readonly #tamper: Partial<Record<Direction, Tamper>> = {};
  #door: Door = "open";

  private constructor({ target, seed }: ProxyOptions) {
    this.#target = target;
    this.#random = RandomStream.derive(seed, "chaos proxy");
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#open(near));
  }

  static async listen(options: ProxyOptions): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(options);
    proxy.#server.listen(0, options.host ?? "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections open now. */
  get open(): number {
    return this.#connections.size;
  }

  /** Adds faults to one direction or both. */
  set(direction: Direction | "both", faults: Partial<LaneFaults>): void {
    for (const way of ["up", "down"] as const) {
      if (direction !== "both" && direction !== way) continue;
      this.#faults[way] = { ...this.#faults[way], ...faults };
    }
    this.#wake();
  }

  /** Lets `tamper` see and change what passes; of connections to come. */
  tamper(direction: Direction, tamper: Tamper | undefined): void {
    if (tamper) this.#tamper[direction] = tamper;
    else delete this.#tamper[direction];
  }

  /** Connections to come. */
  set door(door: Door) {
    this.#door = door;
  }

  /** Connections to come lead there. */
  set target(target: ProxyOptions["target"]) {
    this.#target = target;
  }

  /** Nothing passes, and nobody is told. */
  partition(): void {
    this.#door = "silent";
    this.set("both", { halfOpen: true });
  }

  /** Resets every connection (TCP RST); returns how many there were. */
  cut(): number {
    const { size } = this.#connections;
    for (const connection of this.#connections) this.#reset(connection);
    return size;
  }

  /** Ends all faults. Connections that lost bytes are reset. */
  heal(): void {
    this.#faults.up = NO_FAULTS;
    this.#faults.down = NO_FAULTS;
    this.#door = "open";
    for (const way of ["up", "down"] as const) delete this.#tamper[way];
    for (const connection of this.#connections) {
      if (connection.lanes.some((lane) => lane.lossy)) this.#reset(connection);
    }
    for (const socket of this.#silent) socket.resetAndDestroy();
    this.#wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    for (const socket of this.#silent) socket.destroy();
    await closed;
  }

  #open(near: Socket): void {
    near.on("error", () => undefined);
    if (this.#door === "refusing") {
      this.counts.refused += 1;
      near.resetAndDestroy();
      return;
    }
    if (this.#door === "silent") {
      this.#silent.add(near);
      near.on("close", () => this.#silent.delete(near));
      near.resume();
      return;
    }
    this.counts.connections += 1;
    const far = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    const connection: Connection = {
      near,
      far,
      lanes: [
        this.#lane("up", { from: near, to: far, reset: () => this.#reset(connection) }),
        this.#lane("down", { from: far, to: near, reset: () => this.#reset(connection) }),
      ],
    };
    this.#connections.add(connection);
    far.on("error", () => undefined);
    near.on("close", () => this.#ended(connection, "up"));
    far.on("close", () => this.#ended(connection, "down"));
  }

  #lane(
    direction: Direction,
    ends: { readonly from: Socket; readonly to: Socket; readonly reset: () => void },
  ): Lane {
    return new Lane({
      ...ends,
      counts: this.counts[direction],
      random: this.#random,
      faults: () => this.#faults[direction],
      tamper: this.#tamper[direction]?.(),
    });
  }

  /** One end is closed: so is the other, unless the news is swallowed. */
  #ended(connection: Connection, direction: Direction): void {
    const [up, down] = connection.lanes;
    const lane = direction === "up" ? up : down;
    if (this.#faults[direction].halfOpen) {
      if (lane) lane.lossy = true;
      if (!(connection.near.closed && connection.far.closed)) return;
    }
    const graceful = !(connection.near.errored || connection.far.errored);
    // What is under way after an orderly end still arrives.
    if (graceful && !(connection.near.closed && connection.far.closed)) return;
    this.#drop(connection);
  }

  #reset(connection: Connection): void {
    if (!this.#connections.has(connection)) return;
    this.counts.resets += 1;
    this.#drop(connection);
  }

  #drop(connection: Connection): void {
    this.#connections.delete(connection);
    for (const lane of connection.lanes) lane.close();
    for (const socket of [connection.near, connection.far]) {
      if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  #wake(): void {
    for (const { lanes } of this.#connections) for (const lane of lanes) lane.wake();
  }
}
