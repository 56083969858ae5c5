import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/own-temporary-folder.ts"],
    sequence: { shuffle: true },
    restoreMocks: true,
    // Ends what hangs and measures nothing: a test takes seconds at most on two idle cores, and
    // these are shared with other tests, on machines of any speed.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
