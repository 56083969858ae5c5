import { open } from "node:fs/promises";
import { join } from "node:path";
import { newFolder } from "./log-scenario.ts";

const CALLS = ["writev", "datasync", "sync", "truncate"] as const;
export type DiskCall = (typeof CALLS)[number];

interface Fault {
  /** As the system calls it. */
  readonly code: "ENOSPC" | "EIO";
}

/** What to do instead of a call: fail, or take some time; undefined lets it through. */
export type Disturb = (call: DiskCall) => Fault | { readonly delayMs: number } | undefined;

type Method = (this: unknown, ...parameters: unknown[]) => Promise<unknown>;

/** Disturbs every file that Node has open or opens, until it is disposed of. */
export async function faultyDisk(disturb: Disturb): Promise<Disposable> {
  await using handle = await open(join(newFolder(), "any"), "w");
  const prototype: Record<DiskCall, Method> = Object.getPrototypeOf(handle);
  const originals = CALLS.map((call) => [call, prototype[call]] as const);
  for (const [call, original] of originals) {
    prototype[call] = async function (...parameters) {
      const what = disturb(call);
      if (what === undefined) return await original.apply(this, parameters);
      if ("delayMs" in what) {
        await new Promise((resolve) => setTimeout(resolve, what.delayMs));
        return await original.apply(this, parameters);
      }
      // A full disk takes what fits.
      if (call === "writev") await original.apply(this, halved(parameters));
      throw Object.assign(new Error(`${what.code}: ${call}`), { code: what.code, syscall: call });
    };
  }
  return {
    [Symbol.dispose]: () => {
      for (const [call, original] of originals) prototype[call] = original;
    },
  };
}

function halved([parts, position]: readonly unknown[]): unknown[] {
  const [first = new Uint8Array(0)] = parts as readonly Uint8Array[];
  return [[first.subarray(0, first.length >> 1)], position];
}
