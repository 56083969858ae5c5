import { expose } from "comlink";
import type { Env } from "../envs/env.ts";
import { BlackBox } from "../envs/failure/black-box.ts";
import { openEnv } from "../envs/registry.ts";
import { RandomStream } from "../math/random.ts";
import { MetricsRecorder } from "../metrics/recorder.ts";
import { comlinkPort } from "../threads/comlink-port.ts";
import { type ThreadResult, toThreadResult } from "../threads/thread-result.ts";
import { InProcessActorLink } from "../transport/in-process.ts";
import { Actor, type TurnReport } from "./actor.ts";
import type { ActorControl, ActorEvent, ActorTask } from "./actor-task.ts";
import { CompiledPolicy } from "./compiled-policy.ts";
import { EnvStream } from "./env-stream.ts";
import { Heartbeat } from "./heartbeat.ts";

const REPORT_INTERVAL_MS = 500;

/** Thread entry: wires an actor to its environments, its policy and its link, and runs it. */
export function runActor(task: ActorTask): Promise<ThreadResult<void>> {
  return toThreadResult(() => act(task));
}

async function act(task: ActorTask): Promise<void> {
  const emit = (event: ActorEvent): void => task.events.postMessage(event);
  const report = turnReporter(emit);
  const policy = await CompiledPolicy.load(task.policyProgram, { normalizes: task.normalizes });
  const heartbeat = new Heartbeat(task.heartbeat);
  const envs: Env[] = [];
  try {
    // Making and resetting an environment may hang, too.
    heartbeat.stepping();
    for (let i = 0; i < task.envsPerActor; i++) {
      envs.push(await openEnv(task.env.id, task.env.options));
    }
    const actor = new Actor({
      policy,
      streams: envs.map((env, index) => newStream({ task, emit, env }, index)),
      link: new InProcessActorLink(task.memory, task.mailbox),
      random: RandomStream.derive(task.rootSeed, "actor", task.slot, task.incarnation, "noise"),
      heartbeat,
      unrollLength: task.unrollLength,
      incarnation: task.incarnation,
      turns: task.turns,
      sendsSnapshots: task.sendsSnapshots,
      onEpisode: (end) => emit({ type: "episode", end }),
      onTurn: report.add,
    });
    if (task.snapshot) actor.restore(task.snapshot);
    const control: ActorControl = { stop: () => actor.stop() };
    expose(control, comlinkPort(task.control));
    await actor.run();
  } finally {
    report.post();
    for (const env of envs) env.close();
    await policy[Symbol.asyncDispose]();
    task.control.close();
    task.events.close();
  }
}

interface StreamContext {
  readonly task: ActorTask;
  readonly emit: (event: ActorEvent) => void;
  readonly env: Env;
}

function newStream({ task, emit, env }: StreamContext, index: number): EnvStream {
  const { rootSeed, slot, incarnation, unrollLength } = task;
  const { extras = [] } = task.memory.mailboxes[task.mailbox]?.shape ?? {};
  const memory = task.blackBoxes[index];
  const blackBox = memory && new BlackBox(memory);
  const stream = new EnvStream({
    ...{ env, actor: slot, index, unrollLength, extras },
    ...(blackBox ? { blackBox } : {}),
    onFailure: (message, during) => {
      if (!blackBox) return;
      const { id, options } = task.env;
      const where = { format: 1, message, during, env: { id, options } } as const;
      emit({ type: "env-failure", failure: { ...where, ...blackBox.read() } });
    },
  });
  const seeds = RandomStream.derive(rootSeed, "actor", slot, incarnation, "env", index);
  stream.begin(seeds.integer(2 ** 31));
  return stream;
}

/** Sums turns up and posts them every so often, and when asked. */
function turnReporter(emit: (event: ActorEvent) => void): {
  readonly add: (turn: TurnReport) => void;
  readonly post: () => void;
} {
  const recorder = new MetricsRecorder();
  let lastReport = performance.now();
  const post = (): void => {
    lastReport = performance.now();
    emit({ type: "metrics", update: recorder.drain() });
  };
  const add = (turn: TurnReport): void => {
    recorder.observe("troupe_env_step_duration_seconds", turn.envSeconds / turn.envSteps);
    recorder.observe("troupe_inference_duration_seconds", turn.inferenceSeconds / turn.envSteps);
    recorder.inc("troupe_blocked_seconds_total", turn.blockedOnRoomSeconds, {
      side: "actor",
      reason: "mailbox_full",
    });
    recorder.inc("troupe_blocked_seconds_total", turn.blockedOnTurnSeconds, {
      side: "actor",
      reason: "turn",
    });
    recorder.inc("troupe_trajectory_sent_total", turn.frames);
    recorder.inc("troupe_trajectory_sent_bytes_total", turn.sentBytes);
    if (turn.applySeconds > 0) {
      recorder.observe("troupe_weight_apply_duration_seconds", turn.applySeconds);
    }
    if (performance.now() - lastReport >= REPORT_INTERVAL_MS) post();
  };
  return { add, post };
}
