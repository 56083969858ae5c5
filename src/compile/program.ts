/** Runs compiled functions. Imports no jax-js: this is all that an actor's thread loads. */
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { RunError } from "../errors.ts";

export type Device = "cpu" | "webgpu" | "cuda";

export interface ProgramOptions {
  /** Threads inside one operator; 1 also keeps results independent of the machine. */
  readonly threads?: number;
  readonly device?: Device;
  /** Writes a Chrome trace with the time of every node to PREFIX_<date>.json on `release`. */
  readonly profilePrefix?: string;
}

export interface Port {
  readonly name: string;
  /** -1 where the length is open. */
  readonly shape: readonly number[];
  /** Number of elements; negative where a length is open. */
  readonly size: number;
}

export interface BindOptions {
  readonly inputs?: Buffers;
  readonly outputs?: Buffers;
  /** The length of axes that the program leaves open. */
  readonly rows?: number;
}

export type Buffers = Readonly<Record<string, Float32Array>>;

/** A program with its buffers. */
export interface RunnableBinding {
  readonly inputs: Buffers;
  readonly outputs: Buffers;
  /** Reads the inputs as they are now and fills the outputs. */
  run(): Promise<void> | void;
}

/** A compiled function, whoever runs it. */
export interface RunnableProgram {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  bind(options?: Pick<BindOptions, "inputs">): RunnableBinding;
  release(): Promise<void>;
}

/**
 * Name of an output that ends a run as soon as the bound buffers are filled.
 *
 * onnxruntime-node 1.30 fills the buffers it is given, but then hands a fresh copy of every output back:
 * for the gradients of an update that is a megabyte to allocate, copy and collect each time. It does so in
 * the order of the outputs and gives up at one that is no tensor, so such an output comes first. Should a
 * later version pass it on instead, everything stays right and only the copies are back.
 */
export const BARRIER = "barrier";
const BARRIER_MESSAGE = "Non tensor type is temporarily not supported.";

/** A compiled function and the session that runs it. */
export class Program implements RunnableProgram, AsyncDisposable {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #session: InferenceSession;
  readonly #isProfiling: boolean;

  private constructor(session: InferenceSession, isProfiling: boolean) {
    this.#session = session;
    this.#isProfiling = isProfiling;
    this.inputs = ports(session.inputMetadata);
    this.outputs = ports(session.outputMetadata);
  }

  /** @throws RunError INTERNAL if the device or the model is not usable. */
  static async load(model: Uint8Array, options: ProgramOptions = {}): Promise<Program> {
    const { threads = 1, device = "cpu", profilePrefix } = options;
    try {
      const session = await InferenceSession.create(model, {
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: "sequential",
        graphOptimizationLevel: "all",
        executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
        ...(profilePrefix ? { enableProfiling: true, profileFilePrefix: profilePrefix } : {}),
      });
      return new Program(session, profilePrefix !== undefined);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new RunError("INTERNAL", `cannot load a compiled program on ${device}: ${message}`, {
        cause,
      });
    }
  }

  /**
   * Ties the program to the buffers it reads and writes. Buffers that are left out are made. The
   * caller leaves them alone while a run is under way.
   *
   * @throws RangeError if a buffer has not its port's size.
   */
  bind({ inputs: given = {}, outputs: taken = {}, rows = 1 }: BindOptions = {}): Binding {
    const inputs = tensors(closed(this.inputs, rows), given);
    const outputs = tensors(closed(this.outputs, rows), taken);
    return new Binding(this.#session, inputs, outputs);
  }

  async release(): Promise<void> {
    if (this.#isProfiling) this.#session.endProfiling();
    await this.#session.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** A program with its buffers. */
export class Binding implements RunnableBinding {
  readonly inputs: Buffers;
  readonly outputs: Buffers;
  readonly #session: InferenceSession;
  readonly #feeds: Readonly<Record<string, OrtTensor>>;
  readonly #fetches: Readonly<Record<string, OrtTensor | null>>;

  constructor(
    session: InferenceSession,
    feeds: Record<string, OrtTensor>,
    fetches: Record<string, OrtTensor>,
  ) {
    this.#session = session;
    this.#feeds = feeds;
    const stops = session.outputNames.includes(BARRIER);
    this.#fetches = stops ? { [BARRIER]: null, ...fetches } : fetches;
    this.inputs = dataOf(feeds);
    this.outputs = dataOf(fetches);
  }

  async run(): Promise<void> {
    try {
      await this.#session.run(this.#feeds, this.#fetches);
    } catch (thrown) {
      const isBarrier = thrown instanceof Error && thrown.message === BARRIER_MESSAGE;
      if (!isBarrier) throw thrown;
    }
  }
}

/** The ports with their open lengths set. */
function closed(ports: readonly Port[], rows: number): Port[] {
  return ports.map(({ name, shape }) => {
    const lengths = shape.map((length) => (length === -1 ? rows : length));
    return { name, shape: lengths, size: lengths.reduce((a, b) => a * b, 1) };
  });
}

function ports(metadata: readonly InferenceSession.ValueMetadata[]): Port[] {
  return metadata.flatMap((entry): Port[] => {
    if (!entry.isTensor) return [];
    const shape = entry.shape.map((n) => (typeof n === "number" ? n : -1));
    return [{ name: entry.name, shape, size: shape.reduce((a, b) => a * b, 1) }];
  });
}

function tensors(ports: readonly Port[], buffers: Buffers): Record<string, OrtTensor> {
  return Object.fromEntries(
    ports.map(({ name, shape, size }) => {
      const data = buffers[name] ?? new Float32Array(size);
      if (data.length !== size) {
        throw new RangeError(`${name} has ${data.length} elements, not ${size}`);
      }
      return [name, new OrtTensor("float32", data, shape)];
    }),
  );
}

function dataOf(tensors: Record<string, OrtTensor>): Buffers {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, tensor.data as Float32Array]),
  );
}
