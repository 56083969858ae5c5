import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Gives the suite a temporary folder of its own, so that it leaves nothing behind. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "troupe-tests-"));
  // Read by os.tmpdir(), here and in every process that the tests start.
  process.env["TMPDIR"] = folder;
  return () => {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 30 });
    } catch (thrown) {
      // Some process outlives its test for a moment: no reason for the tests to have failed.
      process.stderr.write(`${folder} is left behind: ${thrown}\n`);
    }
  };
}
