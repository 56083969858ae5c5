/**
 * Adds to package-lock.json the optional packages of other platforms that npm left out.
 *
 * npm drops an optional dependency from the lock when the registry it was written against does not have
 * it, and `npm ci` then refuses the lock: "Missing: … from lock file". The entries added here have a
 * version and a platform but no hash, which is what `npm ci` needs to skip them on this platform and to
 * install them on theirs.
 *
 *     node scripts/complete-lock.mjs            rewrites package-lock.json, says what it added
 *     node scripts/complete-lock.mjs --check    only looks; exits 1 if something is missing
 */
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const packages = lock.packages;

/** `…-linux-x64-musl` -> { os: ["linux"], cpu: ["x64"], libc: ["musl"] }. */
function platformOf(name) {
  const match =
    /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|loong64|ppc64|riscv64|s390x|x64)/.exec(
      name,
    );
  if (match === null) throw new Error(`${name}: no platform in the name of an optional package`);
  const platform = { cpu: [match[2]], os: [match[1]] };
  if (match[1] !== "linux" || !/(musl|gnu)/.test(name)) return platform;
  return { ...platform, libc: [name.includes("musl") ? "musl" : "glibc"] };
}

const missing = new Map();
for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const places = [`node_modules/${name}`, `${parent}/node_modules/${name}`];
    if (places.some((place) => place in packages)) continue;
    if (!/^\d/.test(version))
      throw new Error(`${name}@${version}: only exact versions can be added`);
    const { cpu, os, libc } = platformOf(name);
    // In the order that npm itself writes, so that the next install leaves the file alone.
    const entry = { version, cpu, ...(dev && { dev }), ...(libc && { libc }), optional: true, os };
    missing.set(places[0], entry);
  }
}

for (const [place, { version }] of missing) console.log(`missing: ${place}@${version}`);
if (process.argv.includes("--check")) {
  process.exitCode = missing.size > 0 ? 1 : 0;
} else if (missing.size > 0) {
  for (const [place, entry] of missing) packages[place] = entry;
  const { "": root, ...rest } = packages;
  const sorted = Object.entries(rest).sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = { "": root, ...Object.fromEntries(sorted) };
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}
