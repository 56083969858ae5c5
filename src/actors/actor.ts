import { setImmediate as nextMacrotask } from "node:timers/promises";
import { pack, unpack } from "msgpackr";
import type { TurnRule } from "../config/on-policy.ts";
import type { RandomState, RandomStream } from "../math/random.ts";
import type { ActorLink, UnrollFrame } from "../protocol.ts";
import type { EnvStream, EpisodeEnd, ExtraRows, StreamSnapshot } from "./env-stream.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { PolicyRunner } from "./policy-runner.ts";

/** Blocking waits are cut into slices of this length, so that control messages are heard. */
const WAIT_SLICE_MS = 20;
const NO_SNAPSHOT = new Uint8Array(0);

export interface ActorParts {
  readonly link: ActorLink;
  readonly policy: PolicyRunner;
  readonly streams: readonly EnvStream[];
  /** Exploration noise and random warm-up actions. */
  readonly random: RandomStream;
  readonly heartbeat: Heartbeat;
  readonly unrollLength: number;
  /** Which life of its slot this is. */
  readonly incarnation: number;
  /** Wait for the learner's go before each turn; left out: never wait. */
  readonly turns?: TurnRule | undefined;
  /** Send the complete state with each turn. */
  readonly sendsSnapshots: boolean;
  readonly onEpisode: (end: EpisodeEnd) => void;
  readonly onTurn: (report: TurnReport) => void;
}

/** What one turn did; durations in seconds. */
export interface TurnReport {
  readonly envSteps: number;
  readonly frames: number;
  readonly sentBytes: number;
  readonly policyVersion: number;
  readonly envSeconds: number;
  readonly inferenceSeconds: number;
  /** Taking over a new policy; 0 when there was none. */
  readonly applySeconds: number;
  /** Waiting for room in the mailbox: the learner, or its rate limiter, holds the actor back. */
  readonly blockedOnRoomSeconds: number;
  /** Waiting for the learner's go, where turns are taken. */
  readonly blockedOnTurnSeconds: number;
}

interface ActorSnapshot {
  readonly streams: readonly StreamSnapshot[];
  readonly random: RandomState;
  readonly sequence: number;
  readonly turns: number;
}

/**
 * Who acts: a vector of environments, one inference for all of them per step, and the frames on their
 * way to the learner.
 *
 *     repeat: take the newest policy; step every environment T times; send the unrolls
 *
 * Until the first policy arrives actions are uniform: that is the random warm-up. A policy that makes more
 * than actions is waited for.
 */
export class Actor {
  readonly #parts: ActorParts;
  readonly #observations: Float32Array;
  readonly #actions: Float32Array;
  readonly #noise: Float32Array;
  /** What the policy made with the actions, and what it makes of an unroll's last observation. */
  readonly #extras: ExtraRows;
  readonly #finalExtras: ExtraRows;
  readonly #unusedActions: Float32Array;
  #policyVersion = -1;
  #granted = 0;
  #turns = 0;
  #sequence = 0;
  #stopped = false;

  constructor(parts: ActorParts) {
    this.#parts = parts;
    const { observationSize, actionSize, noiseSize = actionSize } = parts.policy;
    this.#observations = new Float32Array(parts.streams.length * observationSize);
    this.#actions = new Float32Array(parts.streams.length * actionSize);
    this.#noise = new Float32Array(parts.streams.length * noiseSize);
    this.#unusedActions = new Float32Array(parts.streams.length * actionSize);
    const rows = (): ExtraRows =>
      Object.fromEntries(
        (parts.policy.extras ?? []).map((name) => [name, new Float32Array(parts.streams.length)]),
      );
    this.#extras = rows();
    this.#finalExtras = rows();
  }

  /** Acts until `stop`; what is collected by then is sent if there is room for it. */
  async run(): Promise<void> {
    let held: readonly UnrollFrame[] = [];
    while (!this.#stopped) {
      const taken = await this.#takePolicy();
      if (this.#stopped) break;
      let blockedOnRoomSeconds = await this.#send(held);
      const turn = await this.#collect();
      held = this.#parts.turns?.holdsFrames ? turn.frames : [];
      blockedOnRoomSeconds += held === turn.frames ? 0 : await this.#send(turn.frames);
      this.#parts.onTurn({
        ...turn.report,
        ...taken,
        blockedOnRoomSeconds,
        policyVersion: this.#policyVersion,
      });
      await nextMacrotask();
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Continues where `snapshot`, taken at the end of a turn, left off. */
  restore(snapshot: Uint8Array): void {
    const state = unpack(snapshot) as ActorSnapshot;
    for (const [i, stream] of this.#parts.streams.entries()) {
      const saved = state.streams[i];
      if (saved) stream.restore(saved);
    }
    this.#parts.random.restore(state.random);
    this.#sequence = state.sequence;
    this.#turns = state.turns;
  }

  async #takePolicy(): Promise<Pick<TurnReport, "applySeconds" | "blockedOnTurnSeconds">> {
    const { link, policy, heartbeat, turns } = this.#parts;
    const start = performance.now();
    let applySeconds = 0;
    for (;;) {
      const looked = performance.now();
      const published = link.takePolicy(turns?.holdsFrames ? this.#turns + 1 : undefined);
      if (published) {
        policy.setParameters(published.parameters, published.normalizer);
        this.#policyVersion = published.version;
        this.#granted = published.turn;
        // Turns granted before this actor was there are nobody's.
        this.#turns = Math.max(this.#turns, published.turn - 1 - (turns?.ahead ?? 0));
        applySeconds += (performance.now() - looked) / 1000;
      }
      const mayAct = turns ? this.#granted > this.#turns : this.#canAct;
      if (this.#stopped || mayAct) break;
      heartbeat.waiting();
      link.waitForPolicy(WAIT_SLICE_MS);
      await nextMacrotask();
    }
    const seconds = (performance.now() - start) / 1000;
    return { applySeconds, blockedOnTurnSeconds: seconds - applySeconds };
  }

  /** Steps every environment `unrollLength` times, and on until there is something to send. */
  async #collect(): Promise<{
    frames: UnrollFrame[];
    report: Pick<
      TurnReport,
      "envSteps" | "frames" | "sentBytes" | "envSeconds" | "inferenceSeconds"
    >;
  }> {
    const { streams, unrollLength } = this.#parts;
    const frames: UnrollFrame[] = [];
    let envSteps = 0;
    let envSeconds = 0;
    let inferenceSeconds = 0;
    while (frames.length === 0 && !this.#stopped) {
      for (let t = 0; t < unrollLength; t++) {
        const start = performance.now();
        await this.#chooseActions();
        const chosen = performance.now();
        await this.#stepAll(frames);
        envSteps += streams.length;
        inferenceSeconds += (chosen - start) / 1000;
        envSeconds += (performance.now() - chosen) / 1000;
      }
      await this.#judgeObservations();
      for (const stream of streams) this.#cut(stream, frames);
    }
    this.#turns += 1;
    this.#endTurn(frames);
    const sentBytes = frames.reduce((sum, frame) => sum + frameBytes(frame), 0);
    const sent = { frames: frames.length, sentBytes };
    return { frames, report: { envSteps, ...sent, envSeconds, inferenceSeconds } };
  }

  async #stepAll(frames: UnrollFrame[]): Promise<void> {
    const { streams, heartbeat, onEpisode, policy } = this.#parts;
    for (const [i, stream] of streams.entries()) {
      heartbeat.stepping();
      const action = this.#actions.subarray(i * policy.actionSize, (i + 1) * policy.actionSize);
      const end = stream.advance(action, this.#policyVersion, this.#extras);
      if (!end) continue;
      // After a termination nothing follows that could have a value.
      if (end.outcome !== "terminated") await this.#judgeObservations();
      this.#cut(stream, frames, end.outcome === "terminated" ? {} : this.#finalExtras);
      onEpisode(end);
      stream.nextEpisode();
    }
  }

  /** Random warm-up actions have neither probability nor value. */
  get #canAct(): boolean {
    return this.#policyVersion >= 0 || !this.#hasExtras;
  }

  get #hasExtras(): boolean {
    return (this.#parts.policy.extras ?? []).length > 0;
  }

  /** What the policy makes of the observations that unrolls end with: nothing is done in them. */
  async #judgeObservations(): Promise<void> {
    if (!this.#hasExtras) return;
    await this.#runPolicy(this.#unusedActions, this.#finalExtras);
  }

  async #chooseActions(): Promise<void> {
    const { random } = this.#parts;
    if (this.#policyVersion < 0) {
      for (let i = 0; i < this.#actions.length; i++)
        this.#actions[i] = random.uniformBetween(-1, 1);
      return;
    }
    random.fillNormal(this.#noise);
    await this.#runPolicy(this.#actions, this.#extras);
  }

  async #runPolicy(actions: Float32Array, extras: ExtraRows): Promise<void> {
    const { policy, streams } = this.#parts;
    for (const [i, stream] of streams.entries()) {
      this.#observations.set(stream.observation, i * policy.observationSize);
    }
    await policy.run({ observations: this.#observations, noise: this.#noise, actions, extras });
  }

  #cut(stream: EnvStream, frames: UnrollFrame[], extras = this.#finalExtras): void {
    const unroll = stream.cut(extras);
    if (!unroll) return;
    frames.push({
      unroll,
      incarnation: this.#parts.incarnation,
      sequence: this.#sequence++,
      endsTurn: false,
      snapshot: NO_SNAPSHOT,
    });
  }

  /** Marks the last frame, and in deterministic mode gives it the state to continue from. */
  #endTurn(frames: UnrollFrame[]): void {
    const last = frames.pop();
    if (!last) return;
    const snapshot = this.#parts.sendsSnapshots ? this.#snapshot() : NO_SNAPSHOT;
    frames.push({ ...last, endsTurn: true, snapshot });
  }

  #snapshot(): Uint8Array {
    const state: ActorSnapshot = {
      streams: this.#parts.streams.map((stream) => stream.snapshot()),
      random: this.#parts.random.state(),
      sequence: this.#sequence,
      turns: this.#turns,
    };
    return pack(state);
  }

  /** @returns Seconds spent waiting for room. */
  async #send(frames: readonly UnrollFrame[]): Promise<number> {
    const { link, heartbeat } = this.#parts;
    let blockedMs = 0;
    for (const frame of frames) {
      while (!link.offer(frame)) {
        if (this.#stopped) return blockedMs / 1000;
        const start = performance.now();
        heartbeat.waiting();
        link.waitForRoom(WAIT_SLICE_MS);
        blockedMs += performance.now() - start;
        await nextMacrotask();
      }
    }
    return blockedMs / 1000;
  }
}

/** Bytes of a frame's columns and snapshot. */
function frameBytes({ unroll, snapshot }: UnrollFrame): number {
  const all = [...Object.values(unroll), ...Object.values(unroll.extras ?? {})];
  const columns = all.filter((column) => ArrayBuffer.isView(column));
  return columns.reduce((sum, { byteLength }) => sum + byteLength, snapshot.byteLength);
}
