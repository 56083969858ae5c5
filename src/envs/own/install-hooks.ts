import * as nodeModule from "node:module";
import * as hooks from "./module-hooks.ts";

/** Since Node 22.15; not in the types of Node 20. */
interface SynchronousHooks {
  registerHooks?(hooks: object): void;
}

let installed = false;

/** Lets this thread import users' files: TypeScript, and "troupe" from anywhere. Each thread has its own loader. */
export function installModuleHooks(): void {
  // Sources are run by tools that bring a loader of their own.
  const isCompiled = import.meta.url.endsWith(".js");
  if (installed || !isCompiled) return;
  installed = true;
  const { registerHooks } = nodeModule as SynchronousHooks;
  if (registerHooks) registerHooks({ resolve: hooks.resolve, load: hooks.load });
  else nodeModule.register("./module-hooks.js", import.meta.url);
}
