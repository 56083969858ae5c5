// Assembles src/compile/kernels/*.wat and writes the bytes beside them as TypeScript, so that neither
// the build nor the package needs an assembler. Run it with `npm run kernels` after a change.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const folder = new URL("../src/compile/kernels/", import.meta.url);
const { parseWat } = await wabt();
for (const file of readdirSync(folder).filter((name) => name.endsWith(".wat"))) {
  const name = file.slice(0, -".wat".length);
  const module = parseWat(file, readFileSync(new URL(file, folder), "utf8"), { simd: true });
  const base64 = Buffer.from(module.toBinary({}).buffer).toString("base64");
  const lines = base64.match(/.{1,90}/g) ?? [];
  const text = [
    `/** ${file}, assembled by scripts/assemble-kernels.mjs; base64. */`,
    `export const ${name}Wasm =`,
    lines
      .map((line, i) => `  ${i > 0 ? "  " : ""}"${line}"`)
      .join(" +\n")
      .replace(/^ {4}/gm, "  "),
  ].join("\n");
  writeFileSync(new URL(`${name}-wasm.ts`, folder), `${text};\n`);
}
