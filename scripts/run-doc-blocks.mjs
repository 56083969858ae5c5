// Runs the shell blocks of a page as its reader would, each on the machine it is meant for:
//
//   node scripts/run-doc-blocks.mjs docs/cluster.md [--keep] [--seconds 120]
//
// A block runs if its first line names a host; what else stands there says how:
//
//   ```sh host=learner                     it has to end with exit code 0
//   ```sh host=learner background          it goes on until the page ends; it may fail
//   ```sh host=learner until="2 actors"    it is repeated until its output matches
//   ```sh host=learner grows="(\d+) steps" it is repeated until the number is larger than at first
//
// Each host is a Linux machine as far as a shell can see: network, processes, /etc/hosts and home are its own. They
// reach each other by name over a bridge. `npx troupe` is this source tree's build; `scp` copies between the homes.
// Needs root, iproute2 and util-linux. TROUPE_* variables of the caller reach every host, so that a test can make
// runs small without the page saying so.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: "boolean" }, seconds: { type: "string", default: "120" } },
});
const deadline = Date.now() + Number(flags.seconds) * 1000;
const secondsLeft = () => Math.max(1, Math.ceil((deadline - Date.now()) / 1000));

/** One try of a block that is repeated. */
const ATTEMPT_SECONDS = 20;

/** The blocks of a page that name a host. */
function readBlocks(file) {
  const fences = readFileSync(file, "utf8").matchAll(/^```sh +(.*)\n([\s\S]*?)^```$/gm);
  return [...fences].flatMap(([, info, script]) => {
    const words = new Map(
      [...info.matchAll(/([a-z]+)(?:=(?:"([^"]*)"|(\S+)))?/g)].map(([, key, quoted, bare]) => [
        key,
        quoted ?? bare ?? "",
      ]),
    );
    const unknown = [...words.keys()].filter(
      (key) => !["host", "background", "until", "grows"].includes(key),
    );
    if (unknown.length > 0)
      throw new Error(`${file}: what does "${unknown.join(" ")}" mean? (${info})`);
    return words.has("host") ? [{ host: words.get("host"), words, script }] : [];
  });
}

function must(program, ...argv) {
  const { status, stdout, stderr, error } = spawnSync(program, argv, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${argv.join(" ")}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Machines on one bridge; what runs on them ends with them. */
class Machines {
  #root = mkdtempSync(join(tmpdir(), "troupe-doc-"));
  #prefix = `doc${process.pid}`;
  #subnet = `10.${64 + (process.pid % 64)}.${(process.pid >> 6) % 256}`;
  #hosts = new Map();
  #scripts = 0;

  constructor(names) {
    process.once("exit", () => this.#down());
    must("ip", "netns", "add", `${this.#prefix}-lan`);
    must("ip", "-n", `${this.#prefix}-lan`, "link", "add", "lan", "type", "bridge");
    must("ip", "-n", `${this.#prefix}-lan`, "link", "set", "lan", "up");
    const addresses = names.map((name, i) => `${this.#subnet}.${i + 1} ${name}`);
    this.#tools();
    for (const [i, name] of names.entries()) this.#boot(name, i + 1, addresses);
  }

  /** What a machine has that the blocks call. */
  #tools() {
    const bin = join(this.#root, "bin");
    mkdirSync(bin);
    const scp = `#!/bin/sh\n# scp -r FILE... HOST:FOLDER, between the homes of these hosts.\nset -eu\n[ "$1" = -r ] && shift\nfor to; do :; done\nwhile [ $# -gt 1 ]; do cp -r "$1" "${this.#root}/home/\${to%%:*}/\${to#*:}"; shift; done\n`;
    writeFileSync(join(bin, "scp"), scp);
    chmodSync(join(bin, "scp"), 0o755);
  }

  #boot(name, number, addresses) {
    const space = `${this.#prefix}-${name}`;
    const hosts = join("/etc/netns", space);
    const home = join(this.#root, "home", name);
    this.#hosts.set(name, { space, home, init: undefined });
    mkdirSync(hosts, { recursive: true });
    writeFileSync(
      join(hosts, "hosts"),
      `127.0.0.1 localhost\n::1 localhost\n${addresses.join("\n")}\n`,
    );
    must("ip", "netns", "add", space);
    must("ip", "-n", space, "link", "set", "lo", "up");
    must(
      "ip",
      "-n",
      `${this.#prefix}-lan`,
      "link",
      "add",
      `v${number}`,
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      space,
    );
    must("ip", "-n", `${this.#prefix}-lan`, "link", "set", `v${number}`, "master", "lan", "up");
    must("ip", "-n", space, "addr", "add", `${this.#subnet}.${number}/24`, "dev", "eth0");
    must("ip", "-n", space, "link", "set", "eth0", "up");
    // What `npm install troupe` would have left.
    mkdirSync(join(home, "node_modules", ".bin"), { recursive: true });
    symlinkSync(resolve("."), join(home, "node_modules", "troupe"));
    symlinkSync("../troupe/dist/cli.js", join(home, "node_modules", ".bin", "troupe"));
    writeFileSync(join(home, "package.json"), "{}\n");
    const init = [
      "--uts",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
      "sh",
      "-c",
      `hostname ${name} && exec sleep ${secondsLeft() + 60}`,
    ];
    const child = spawn("ip", ["netns", "exec", space, "unshare", ...init], { stdio: "ignore" });
    this.#hosts.get(name).unshare = child;
  }

  /** The first process of a host, as this machine numbers it. */
  async #init(name) {
    const { unshare } = this.#hosts.get(name);
    for (;;) {
      const [pid] = readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, "utf8").split(
        " ",
      );
      if (pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sleep")) return pid;
      await sleep(10);
    }
  }

  /** Runs a script for at most so many seconds. */
  async start(name, script, seconds = secondsLeft()) {
    const { home } = this.#hosts.get(name);
    const inside = ["--target", await this.#init(name), "--net", "--pid", "--mount", "--uts"];
    const environment = {
      ...Object.fromEntries(
        Object.entries(process.env).filter(([key]) => /^(TROUPE_|LANG|LC_|NODE_EXTRA)/.test(key)),
      ),
      HOME: home,
      PATH: `${join(this.#root, "bin")}:${process.env.PATH}`,
      NO_COLOR: "1",
      npm_config_offline: "true",
      npm_config_update_notifier: "false",
    };
    const limit = ["timeout", "--kill-after=5", String(seconds)];
    // Not as an argument: `pkill -f` would find itself by what it looks for.
    this.#scripts += 1;
    const file = join(this.#root, `block-${this.#scripts}.sh`);
    writeFileSync(file, script);
    const shell = ["bash", "-euo", "pipefail", file];
    return spawn("nsenter", [...inside, `--wd=${home}`, ...limit, ...shell], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  #down() {
    for (const { space, unshare } of this.#hosts.values()) {
      // The host's first process ends with it, and with that one all others.
      unshare?.kill("SIGKILL");
      spawnSync("ip", ["netns", "del", space]);
      rmSync(join("/etc/netns", space), { recursive: true, force: true });
    }
    spawnSync("ip", ["netns", "del", `${this.#prefix}-lan`]);
    if (flags.keep) console.error(`homes are kept in ${this.#root}`);
    else rmSync(this.#root, { recursive: true, force: true, maxRetries: 20 });
  }
}

/** Runs a script to its end. @returns Its exit code, 124 when it took too long, and all it printed. */
async function finish(machines, { host, script }, seconds) {
  const child = await machines.start(host, script, seconds);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      output += text;
    });
  }
  const [code] = await once(child, "close");
  return { code, output };
}

async function runOnce(machines, block) {
  const { code, output } = await finish(machines, block);
  process.stdout.write(output.replaceAll(/^/gm, `${block.host} | `).replace(/\w+ \| $/, ""));
  if (code !== 0) throw new Error(`on ${block.host}, exit code ${code}:\n${block.script}`);
}

async function runUntil(machines, block) {
  const pattern = new RegExp(block.words.get("until") ?? block.words.get("grows"));
  const number = (match) => Number(match?.[1]?.replaceAll(/\D/g, ""));
  let first;
  let last = "";
  // Once at least, however long it took to come here.
  do {
    const { code, output } = await finish(machines, block, ATTEMPT_SECONDS);
    if (code === 124) console.log(`${block.host} | no end after ${ATTEMPT_SECONDS} s; again`);
    last = output;
    const match = code === 0 ? pattern.exec(output) : null;
    if (match) first ??= number(match);
    if (match && (block.words.has("until") || number(match) > first)) {
      console.log(`${block.host} | ${match[0]}`);
      return;
    }
    // Asking takes CPU from what is asked about.
    await sleep(1000);
  } while (Date.now() < deadline);
  throw new Error(`on ${block.host} ${pattern} did not come true; last:\n${last}\n${block.script}`);
}

async function runInBackground(machines, block) {
  const child = await machines.start(block.host, block.script);
  const show = (text) =>
    process.stdout.write(String(text).replaceAll(/^(?=.)/gm, `${block.host} | `));
  child.stdout.on("data", show);
  child.stderr.on("data", show);
  child.on("close", (code) => console.log(`${block.host} | ended with exit code ${code}`));
}

async function main() {
  const [file] = positionals;
  if (file === undefined) throw new Error("usage: run-doc-blocks.mjs PAGE [--keep] [--seconds N]");
  const blocks = readBlocks(file);
  const machines = new Machines([...new Set(blocks.map(({ host }) => host))]);
  for (const block of blocks) {
    console.log(`\n[${block.host}]\n${block.script.trimEnd()}`);
    if (block.words.has("background")) await runInBackground(machines, block);
    else if (block.words.has("until") || block.words.has("grows")) await runUntil(machines, block);
    else await runOnce(machines, block);
  }
  console.log(`\n${blocks.length} blocks ran`);
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
await main().then(
  () => process.exit(0),
  (error) => {
    console.error(`\n${error.message}`);
    process.exit(1);
  },
);
