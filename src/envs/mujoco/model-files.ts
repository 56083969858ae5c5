import { readFile } from "node:fs/promises";
import { basename, isAbsolute, relative, resolve } from "node:path";
import { RunError } from "../../errors.ts";
import type { ModelFiles } from "./engine.ts";

/** Attributes of MJCF that name files, and folders of them. Comments are taken out first. */
const FILE = /\bfile(?:right|left|up|down|front|back)?\s*=\s*["']([^"']+)["']/g;
const FOLDER = /\b(?:meshdir|texturedir|assetdir)\s*=\s*["']([^"']+)["']/g;
const COMMENT = /<!--[\s\S]*?-->/g;

/**
 * The files that an MJCF text names, and that included ones name in turn: meshes, textures, height fields, parts.
 * What is not there is left out, for the engine to complain about.
 *
 * @param folder That of the model's own file; paths are relative to it, as in MuJoCo.
 * @returns Contents by the path that the engine will ask for.
 */
export async function readModelFiles(mjcf: string, folder: string): Promise<ModelFiles> {
  const files = new Map<string, Uint8Array>();
  const texts = [mjcf];
  const folders = new Set([""]);
  for (let text = texts.shift(); text !== undefined; text = texts.shift()) {
    const plain = text.replace(COMMENT, "");
    for (const inner of namesIn(plain, FOLDER)) folders.add(inner);
    const found = await Promise.all(
      namesIn(plain, FILE).map((name) => findFile(name, folder, folders)),
    );
    for (const file of found) {
      if (!file || files.has(file.asked)) continue;
      files.set(file.asked, file.bytes);
      if (IS_MODEL.test(file.asked)) texts.push(new TextDecoder().decode(file.bytes));
    }
  }
  return files;
}

async function findFile(name: string, folder: string, folders: ReadonlySet<string>) {
  const found = await firstFile([...folders].map((inner) => resolve(folder, inner, name)));
  if (!found) return undefined;
  const asked = isAbsolute(name) ? basename(name) : relative(folder, found.path);
  return { asked, bytes: found.bytes };
}

function namesIn(text: string, attribute: RegExp): readonly string[] {
  return [...text.matchAll(attribute)].map(([, name = ""]) => name);
}

const IS_MODEL = /\.(xml|mjcf)$/i;
const ABSENT = ["ENOENT", "ENOTDIR", "EISDIR"];

async function firstFile(paths: readonly string[]) {
  for (const path of paths) {
    try {
      return { path, bytes: await readFile(path) };
    } catch (thrown) {
      if (ABSENT.includes((thrown as NodeJS.ErrnoException).code ?? "")) continue;
      throw new RunError("CONFIG_INVALID", `${path}: ${RunError.from(thrown).message}`, {
        cause: thrown,
      });
    }
  }
  return undefined;
}
