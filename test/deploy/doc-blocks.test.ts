import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { skipBecause } from "../skip-because.ts";

const run = promisify(execFile);

/** What makes the runs of a page so small that starting processes takes most of the time. */
const SMALL_RUNS = {
  TROUPE_ALGORITHM__HIDDEN: "[16,16]",
  TROUPE_ALGORITHM__BATCH_SIZE: "16",
  TROUPE_ALGORITHM__LEARNING_STARTS: "200",
  TROUPE_REPLAY__CAPACITY: "20000",
  TROUPE_LEARNER__THREADS: "1",
  TROUPE_EVALUATION__INTERVAL: "0",
};

async function runPage(page: string, seconds: number): Promise<string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("TROUPE_"));
  const argv = ["scripts/run-doc-blocks.mjs", page, "--seconds", String(seconds)];
  const { stdout } = await run(process.execPath, argv, {
    env: { ...Object.fromEntries(inherited), ...SMALL_RUNS },
    maxBuffer: 64 << 20,
  });
  return stdout;
}

function whyNoHosts(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  if (spawnSync("ip", ["-V"]).error) return "there is no ip (iproute2)";
  if (spawnSync("unshare", ["--net", "--pid", "--fork", "--mount-proc", "true"]).status !== 0)
    return "this machine allows no namespaces";
  return undefined;
}

beforeEach((context) => {
  const reason = whyNoHosts();
  if (reason !== undefined) skipBecause(reason, context);
});

describe("a page's blocks", { timeout: 90_000 }, () => {
  function page(text: string): string {
    const folder = mkdtempSync(join(tmpdir(), "troupe-page-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "page.md");
    writeFileSync(file, text.replaceAll("'''", "```"));
    return file;
  }

  test("run on machines of their own, which reach each other by name", async () => {
    const output = await runPage(
      page(`
'''sh host=a background
node -e 'require("node:net").createServer((s) => s.end("from " + os.hostname())).listen(7000)'
'''
'''sh host=b until="from a"
node -e 'require("node:net").connect(7000, "a").on("error", () => {}).pipe(process.stdout)'
'''
'''sh host=b
echo mine > file && scp -r file a:copy
test "$(cat /proc/[0-9]*/comm | grep -c node)" = 0
'''
'''sh host=a
test "$(cat copy)" = mine && ! test -e file
'''
'''sh host=a grows="(\\d+)"
cut -d. -f1 /proc/uptime
'''
'''sh
exit 1
'''
`),
      60,
    );
    expect(output).toContain("5 blocks ran");
  });

  test.each([
    ["fails", "'''sh host=a\nfalse\n'''", "on a, exit code 1:\nfalse"],
    [
      "never says what it should",
      `'''sh host=a until="yes"\necho no\n'''`,
      "did not come true; last:\nno",
    ],
    ["does not grow", `'''sh host=a grows="(\\d+)"\necho 7\n'''`, "did not come true; last:\n7"],
    ["is meant in an unknown way", "'''sh host=a forever\ntrue\n'''", 'what does "forever" mean'],
  ])("that %s fails the page", async (_, text, message) => {
    await expect(runPage(page(text), 2)).rejects.toThrow(message);
  });
});

// Fifteen starts of a command line, among them four long-lived ones, on as few as two cores.
test("docs/cluster.md does what it says", { timeout: 500_000 }, async () => {
  const output = await runPage("docs/cluster.md", 480);
  expect(output).toMatch(/\d+ blocks ran/);
});
