import { parentPort, workerData } from "node:worker_threads";
import { openEnv } from "../registry.ts";
import { checkEnvironment } from "./check-environment.ts";
import { CallBoard, type CheckEvent, type CheckTask } from "./check-task.ts";

/** Thread entry: examines an environment where it can be ended if it never comes back. */
const { env, board, ...options } = workerData as CheckTask;
const calls = new CallBoard(board);
const emit = (event: CheckEvent): void => parentPort?.postMessage(event);
const report = await checkEnvironment(() => openEnv(env.id, env.options), {
  ...options,
  onFinding: (finding) => emit({ type: "finding", finding }),
  onCall: (place) => calls.write(place),
});
emit({ type: "report", report });
