import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { configMarkdown } from "../../src/config/docs.ts";
import { configJsonSchema, fields, groups } from "../../src/config/keys.ts";

describe("the configuration's documents", () => {
  test("docs/config.md is what `npm run docs` makes", () => {
    expect(readFileSync("docs/config.md", "utf8")).toBe(configMarkdown());
  });

  test("every field and section has a text, and every field a default", () => {
    for (const { path, text } of [...fields, ...groups]) expect(text, path).not.toBe("");
    for (const { path, initial } of fields) expect(initial, path).toBeDefined();
  });

  test("the JSON Schema refuses unknown keys and knows the defaults", () => {
    expect(configJsonSchema()).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      additionalProperties: false,
      properties: {
        algorithm: { properties: { gamma: { default: 0.99, minimum: 0, maximum: 1 } } },
      },
    });
  });
});
