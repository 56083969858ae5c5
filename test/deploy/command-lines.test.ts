import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { addActorCommand } from "../../src/cli/actor.ts";
import { addLearnerCommand } from "../../src/cli/learner.ts";
import { addStatusCommand } from "../../src/cli/status.ts";
import { ofKind, type Workload, workloads, writtenManifests } from "./kubernetes/manifests.ts";
import type { Manifest } from "./kubernetes/schema.ts";

/** Flags that `troupe` would not know. */
function unknownFlags(argv: readonly string[]): readonly string[] {
  const [name, ...rest] = argv;
  const program = new Command();
  for (const add of [addLearnerCommand, addActorCommand, addStatusCommand]) add(program);
  const command = program.commands.find((candidate) => candidate.name() === name);
  if (!command) return [`${name} is no command`];
  command.exitOverride();
  return command.parseOptions(rest.map(withoutVariables)).unknown;
}

/** "${X:-default}" and $(X) as some value that every flag takes. */
function withoutVariables(word: string): string {
  return word
    .replaceAll('"', "")
    .replaceAll(/\$\{\w+:-([^}]*)\}/g, "$1")
    .replaceAll(/\$\(\w+\)/g, "1");
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Command lines of job scripts: what stands after $troupe, over continued lines. */
function scriptLines(file: string): readonly (readonly string[])[] {
  const text = readFileSync(file, "utf8").replaceAll("\\\n", " ");
  return [...text.matchAll(/\$troupe ((?:learner|actor) .*)/g)].map(([, line = ""]) =>
    words(
      line
        .split(" : ")[0]!
        .replaceAll('"$@"', "")
        .replaceAll('"$(cat "$address")"', "host:7447")
        .replaceAll(/\$(?:security|actor_flags)\b/g, ""),
    ),
  );
}

function unitLine(file: string): readonly string[] {
  const command = /^ExecStart=\S+ troupe (.*)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? "";
  return words(command.replace(/\$\w+_FLAGS/, ""));
}

const environmentLine = (file: string): readonly string[] =>
  words(/^\w+_FLAGS=(.*)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? "");

interface ComposeFile {
  readonly services: Readonly<
    Record<string, { readonly command?: string | readonly string[]; readonly image?: string }>
  >;
}

describe("a command line of deploy/ has flags that exist", () => {
  test("the check finds what does not", () => {
    expect(unknownFlags(["actor", "--lerner", "x:1"])).toContain("--lerner");
    expect(unknownFlags(["actress"])).toEqual(["actress is no command"]);
  });

  test("Kubernetes", () => {
    const manifests: readonly Manifest[] = writtenManifests();
    const containers = workloads(manifests).flatMap(({ spec }) => spec.template.spec.containers);
    expect(ofKind<Workload>(manifests, "StatefulSet")).toHaveLength(1);
    expect(containers).toHaveLength(2);
    for (const { args } of containers) expect(unknownFlags(args)).toEqual([]);
  });

  test.each(["learner", "actors", "hetjob"])("%s.sbatch", (name) => {
    const lines = scriptLines(join("deploy/slurm", `${name}.sbatch`));
    expect(lines.length).toBe(name === "hetjob" ? 2 : 1);
    for (const line of lines) expect(unknownFlags(line)).toEqual([]);
  });

  test.each(["learner", "actor"])("the %s unit", (name) => {
    const file = name === "actor" ? "troupe-actor@.service" : "troupe-learner.service";
    const line = unitLine(join("deploy/systemd", file));
    expect(line[0]).toBe(name);
    const flags = environmentLine(join("deploy/systemd", `${name}.env.example`));
    expect(unknownFlags([...line, ...flags])).toEqual([]);
  });

  test("compose", () => {
    const { services } = parse(readFileSync("deploy/compose/compose.yaml", "utf8"), {
      merge: true,
    }) as ComposeFile;
    for (const name of ["learner", "actor", "status"]) {
      const line = words(withoutVariables(String(services[name]?.command)));
      expect(line[0]).toBe(name);
      expect(unknownFlags(line)).toEqual([]);
    }
  });
});
