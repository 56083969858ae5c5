import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const OURS = new URL("../../", import.meta.url).href;
/** Node's own code is `node:internal/…`, which a path must not be read out of. */
const FRAME = /(?<!node:\S*)(?:file:\/\/)?(\/[^():]+|[A-Za-z]:[\\/][^():]+):(\d+):(\d+)\)?$/;

/** Where in the code of a user something was thrown, as `my-task.ts:12:5`; undefined when nobody knows. */
export function placeInUserCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  for (const line of (thrown.stack ?? "").split("\n")) {
    const [, file, row, column] = FRAME.exec(line.trim()) ?? [];
    if (file === undefined || file.startsWith(fileURLToPath(OURS))) continue;
    if (file.includes("/node_modules/")) continue;
    return `${shortest(decodeURI(file))}:${row}:${column}`;
  }
  return undefined;
}

/** `sim.tip is not a function (my-task.ts:12:5)`. */
export function describeThrown(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const place = placeInUserCode(thrown);
  return place === undefined || message.includes(place) ? message : `${message} (${place})`;
}

function shortest(file: string): string {
  const near = relative(process.cwd(), file);
  return near.startsWith("..") ? file : near;
}
