import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Gives the suite a temporary folder of its own, so that it leaves nothing behind. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "troupe-tests-"));
  // Read by os.tmpdir(), here and in every process that the tests start.
  process.env["TMPDIR"] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
