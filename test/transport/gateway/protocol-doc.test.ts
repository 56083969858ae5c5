import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { crc32c } from "@node-rs/crc32";
import { describe, expect, test } from "vitest";
import { encodeUnroll, UnrollDecoder } from "../../../src/replay/unroll-codec.ts";
import {
  FrameRefusalReason,
  RefusalReason,
} from "../../../src/transport/generated/troupe/v1/actor.ts";
import { skipBecause } from "../../skip-because.ts";
import { Harness } from "./harness.ts";

const root = new URL("../../../", import.meta.url).pathname;
const page = readFileSync(join(root, "docs/protocol.md"), "utf8");
const run = promisify(execFile);

/** Blocks of code in a language, in order. */
function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map(
    ([, code = ""]) => code,
  );
}

/** The first Python with what the actor needs; the system's has it where packages put it. */
async function pythonWithModules(): Promise<string | undefined> {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const check = run(python, ["-c", "import grpc, grpc_tools, msgpack, numpy, crc32c"]);
    if (
      await check.then(
        () => true,
        () => false,
      )
    )
      return python;
  }
  return undefined;
}

describe("docs/protocol.md", () => {
  test("has a payload in bytes, as it is encoded and decoded", () => {
    const shape = { observationSize: 3, actionSize: 1, unrollLength: 2 };
    const unroll = {
      actor: 0,
      env: 1,
      length: 2,
      observations: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8),
      actions: Float32Array.of(-0.5, 0.5),
      rewards: Float32Array.of(1, -1),
      terminated: Uint8Array.of(0, 1),
      truncated: Uint8Array.of(0, 0),
      policyVersions: Int32Array.of(100, -1),
    };
    const bytes = Buffer.from((blocks("hex")[0] ?? "").replaceAll(/\s/g, ""), "hex");
    expect(bytes).toEqual(Buffer.from(encodeUnroll(unroll, shape)));
    expect(new UnrollDecoder(shape).decode(bytes, 0).unroll).toEqual(unroll);
    expect(page).toContain(`${bytes.length} bytes, CRC-32C 0x${crc32c(bytes).toString(16)}`);
    expect(crc32c("123456789")).toBe(0xe3069283);
  });

  test("explains every reason for which a frame or a session is refused", () => {
    const reasons = [
      ...Object.keys(FrameRefusalReason).map((name) => name.replace("FRAME_REFUSAL_REASON_", "")),
      ...Object.keys(RefusalReason).map((name) => name.replace("REFUSAL_REASON_", "")),
    ].filter((name) => name !== "UNSPECIFIED");
    expect(reasons.length).toBe(18);
    for (const reason of reasons) expect(page).toMatch(new RegExp(`^\\|.*\\b${reason}\\b`, "m"));
  });

  test("has an actor in Python that a gateway understands", async (context) => {
    const python =
      (await pythonWithModules()) ??
      skipBecause("Python's grpcio, grpcio-tools, msgpack, numpy and crc32c are missing", context);
    const folder = mkdtempSync(join(tmpdir(), "python-actor-"));
    const [stubs, protos] = [`--python_out=${folder}`, join(root, "proto")];
    const files = ["troupe/v1/actor.proto"];
    const protoc = ["-m", "grpc_tools.protoc", "-I", protos, stubs];
    await run(python, [...protoc, `--grpc_python_out=${folder}`, ...files]);
    writeFileSync(join(folder, "actor.py"), blocks("python")[0] ?? "");
    await using harness = await Harness.open({ durability: "log" });
    harness.keepTaking();
    const { stdout } = await run(python, [join(folder, "actor.py"), harness.address, "300"]);
    expect(stdout).toContain("done: 300 unrolls are durable");
    expect(harness.taken.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 300 }, (_, i) => i),
    );
    rmSync(folder, { recursive: true });
  }, 30_000); // Python starts twice, and generates stubs.
});
