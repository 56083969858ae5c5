import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * bridge: fast, and a host can only be cut off as a whole. switch: every frame passes through a process
 * that delays, loses and cuts, at about 100 MB/s.
 */
export type NetKind = "bridge" | "switch";

/** A way between hosts; what is left out stays as it is. */
export interface LinkFaults {
  readonly delayMs?: number;
  readonly jitterMs?: number;
  /** Share of frames lost. */
  readonly loss?: number;
  readonly mbit?: number;
  readonly cut?: boolean;
}

/** Beside this file, or seen from the repository when this was compiled to somewhere else. */
const SWITCH =
  [fileURLToPath(new URL("tap_switch.py", import.meta.url))].find((path) => existsSync(path)) ??
  "test/chaos/net/tap_switch.py";
const NETWORK = "10.77.0";
/** `ip netns exec` lays these files over /etc. */
const ETC = "/etc/netns";

/** Why this machine cannot have hosts of that kind, or undefined when it can. */
export function whyNoHosts(kind: NetKind): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  if (spawnSync("ip", ["netns", "list"]).status !== 0) return "ip netns does not work here";
  if (kind === "bridge") return undefined;
  if (!existsSync("/dev/net/tun")) return "there is no /dev/net/tun";
  if (spawnSync("python3", ["--version"]).status !== 0) return "python3 is not installed";
  return undefined;
}

/**
 * Hosts in network namespaces, h1 to hN, each with its address, its own loopback, and one network between
 * them that misbehaves on demand. They share the machine's processes and files.
 *
 * Everything is named after this process and lives in the namespaces, so deleting them removes it all;
 * what a killed process left behind is removed by the next that makes hosts.
 */
export class NetHosts implements AsyncDisposable {
  readonly count: number;
  readonly #prefix: string;
  readonly #switch: ChildProcess | undefined;
  readonly #removeAtExit = (): void => removeNamespaces(this.#prefix);

  private constructor(prefix: string, count: number, tapSwitch: ChildProcess | undefined) {
    this.#prefix = prefix;
    this.count = count;
    this.#switch = tapSwitch;
    process.on("exit", this.#removeAtExit);
  }

  /** @throws Error when the machine cannot; see `whyNoHosts`. */
  static async up(count: number, kind: NetKind): Promise<NetHosts> {
    removeLeftOvers();
    const prefix = freePrefix();
    try {
      ip(`netns add ${prefix}-net`);
      for (let i = 1; i <= count; i++) ip(`netns add ${prefix}-h${i}`);
      const tapSwitch = kind === "switch" ? await startSwitch(prefix, count) : undefined;
      if (kind === "bridge") joinBridge(prefix, count);
      for (let i = 1; i <= count; i++) configureHost(prefix, i, count);
      return new NetHosts(prefix, count, tapSwitch);
    } catch (thrown) {
      removeNamespaces(prefix);
      throw thrown;
    }
  }

  /** The host's address; it also answers to the name `h1`. Hosts count from 1. */
  address(host: number): string {
    return `${NETWORK}.${host}`;
  }

  /** What runs `argv` on the host, for `spawn`. */
  command(host: number, argv: readonly string[]): readonly [string, ...string[]] {
    return ["ip", "netns", "exec", `${this.#prefix}-h${host}`, ...argv];
  }

  /** Changes the ways between two hosts, or between all. Needs the kind `switch`. */
  set(faults: LinkFaults, between?: readonly [number, number]): void {
    if (!this.#switch?.stdin) throw new Error("only a switch has such faults");
    const { delayMs, jitterMs, loss, mbit, cut } = faults;
    const change = { delay_ms: delayMs, jitter_ms: jitterMs, loss, mbit, cut };
    const [a, b] = between ?? [];
    const ways = between
      ? [
          { from: a, to: b },
          { from: b, to: a },
        ]
      : [{}];
    for (const way of ways) this.#switch.stdin.write(`${JSON.stringify({ ...way, ...change })}\n`);
  }

  /** Pulls the host's cable, or puts it back. */
  plug(host: number, state: "up" | "down"): void {
    ip(`-n ${this.#prefix}-h${host} link set eth0 ${state}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#removeAtExit);
    if (this.#switch && this.#switch.exitCode === null && this.#switch.signalCode === null) {
      const exited = once(this.#switch, "exit");
      this.#switch.stdin?.end();
      await exited;
    }
    removeNamespaces(this.#prefix);
  }
}

function ip(command: string): void {
  const { status, stderr } = spawnSync("ip", command.split(" "), { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${command}: ${stderr}`);
}

function namespaces(): readonly string[] {
  return existsSync("/run/netns") ? readdirSync("/run/netns") : [];
}

/** Names no other hosts of this process have. */
function freePrefix(): string {
  const taken = namespaces();
  for (let n = 0; ; n++) {
    const prefix = `troupe${process.pid}-${n}`;
    if (!taken.includes(`${prefix}-net`)) return prefix;
  }
}

function joinBridge(prefix: string, count: number): void {
  const net = `${prefix}-net`;
  ip(`-n ${net} link add br0 type bridge`);
  ip(`-n ${net} link set br0 up`);
  for (let i = 1; i <= count; i++) {
    ip(`-n ${net} link add p${i} type veth peer name eth0 netns ${prefix}-h${i}`);
    ip(`-n ${net} link set p${i} master br0 up`);
  }
}

async function startSwitch(prefix: string, count: number): Promise<ChildProcess> {
  const argv = ["netns", "exec", `${prefix}-net`, "python3", SWITCH, "p", String(count)];
  const child = spawn("ip", argv, { stdio: ["pipe", "pipe", "inherit"] });
  const ready = await Promise.race([
    once(child.stdout, "data").then(String),
    once(child, "exit").then(() => "ended"),
  ]);
  if (!ready.startsWith("ready")) throw new Error(`the switch did not start: ${ready}`);
  for (let i = 1; i <= count; i++) {
    ip(`-n ${prefix}-net link set p${i} netns ${prefix}-h${i} name eth0`);
  }
  return child;
}

function configureHost(prefix: string, host: number, count: number): void {
  const namespace = `${prefix}-h${host}`;
  ip(`-n ${namespace} addr add ${NETWORK}.${host}/24 dev eth0`);
  ip(`-n ${namespace} link set eth0 up`);
  ip(`-n ${namespace} link set lo up`);
  const names = Array.from({ length: count }, (_, i) => `${NETWORK}.${i + 1} h${i + 1}`);
  mkdirSync(join(ETC, namespace), { recursive: true });
  writeFileSync(join(ETC, namespace, "hosts"), ["127.0.0.1 localhost", ...names, ""].join("\n"));
}

/** Removes the namespaces of processes that are no more. */
function removeLeftOvers(): void {
  for (const name of namespaces()) {
    const [prefix, pid] = /^troupe(\d+)-\d+/.exec(name) ?? [];
    if (prefix !== undefined && !existsSync(`/proc/${pid}`)) removeNamespaces(prefix);
  }
}

/** Ends what runs in them first: a namespace lives as long as a process is in it. */
function removeNamespaces(prefix: string): void {
  for (const name of namespaces().filter((each) => each.startsWith(`${prefix}-`))) {
    const { stdout } = spawnSync("ip", ["netns", "pids", name], { encoding: "utf8" });
    for (const pid of stdout.split("\n").filter(Boolean)) kill(Number(pid));
    spawnSync("ip", ["netns", "del", name]);
    rmSync(join(ETC, name), { recursive: true, force: true });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
