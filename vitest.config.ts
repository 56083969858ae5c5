import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/own-temporary-folder.ts"],
    sequence: { shuffle: true },
    restoreMocks: true,
    testTimeout: 5_000,
  },
});
