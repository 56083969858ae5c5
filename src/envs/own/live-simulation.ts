import type { MainModule, MjData, MjModel } from "@mujoco/mujoco";
import type { Simulation } from "../mujoco/engine.ts";
import { findPart, type PartKind } from "./named-parts.ts";
import type { TaskFrame, TaskJoint, TaskOptions, TaskSimulation } from "./task-definition.ts";

export interface LiveSimulationParts<Options extends TaskOptions> {
  readonly module: MainModule;
  readonly simulation: Simulation;
  readonly options: Options;
  readonly dt: number;
  readonly memory: Float64Array;
}

/** Numbers a free, ball, slide or hinge joint has in qpos and in qvel, by mjtJoint. */
const JOINT_SIZES = [
  [7, 6],
  [4, 3],
  [1, 1],
  [1, 1],
] as const;

/** A simulation with its parts by name. A name is looked up once, a view fetched again when the heap has moved. */
export class LiveSimulation<Options extends TaskOptions> implements TaskSimulation<Options> {
  readonly options: Options;
  readonly dt: number;
  readonly memory: Float64Array;
  readonly model: MjModel;
  readonly data: MjData;
  readonly #simulation: Simulation;
  readonly #module: MainModule;
  readonly #joints = new Map<string, TaskJoint>();
  readonly #bodies = new Map<string, TaskFrame>();
  readonly #geoms = new Map<string, TaskFrame>();
  readonly #sites = new Map<string, TaskFrame>();
  readonly #sensors = new Map<string, LiveView>();

  constructor({ module, simulation, options, dt, memory }: LiveSimulationParts<Options>) {
    this.options = options;
    this.dt = dt;
    this.memory = memory;
    this.model = simulation.model;
    this.data = simulation.data;
    this.#simulation = simulation;
    this.#module = module;
  }

  get time(): number {
    return this.#simulation.time;
  }

  get qpos(): Float64Array {
    return this.#simulation.qpos;
  }

  get qvel(): Float64Array {
    return this.#simulation.qvel;
  }

  get act(): Float64Array {
    return this.#simulation.act;
  }

  get ctrl(): Float64Array {
    return this.#simulation.ctrl;
  }

  joint(name: string): TaskJoint {
    return remember(this.#joints, name, () => this.#newJoint(this.#find("joint", name)));
  }

  body(name: string): TaskFrame {
    const { data } = this;
    return remember(this.#bodies, name, () =>
      newFrame(this.#find("body", name), { at: () => data.xpos, turned: () => data.xmat }),
    );
  }

  geom(name: string): TaskFrame {
    const { data } = this;
    return remember(this.#geoms, name, () =>
      newFrame(this.#find("geom", name), {
        at: () => data.geom_xpos,
        turned: () => data.geom_xmat,
      }),
    );
  }

  site(name: string): TaskFrame {
    const { data } = this;
    return remember(this.#sites, name, () =>
      newFrame(this.#find("site", name), {
        at: () => data.site_xpos,
        turned: () => data.site_xmat,
      }),
    );
  }

  sensor(name: string): Float64Array {
    const { model, data } = this;
    const view = remember(this.#sensors, name, () => {
      const index = this.#find("sensor", name);
      const start: number = model.sensor_adr[index];
      const size: number = model.sensor_dim[index];
      return new LiveView(() => data.sensordata, start, size);
    });
    return view.values;
  }

  #find(kind: PartKind, name: string): number {
    return findPart({ module: this.#module, model: this.model }, kind, name);
  }

  #newJoint(index: number): TaskJoint {
    const { model } = this;
    const simulation = this.#simulation;
    const [positions, velocities] = JOINT_SIZES[Number(model.jnt_type[index])] ?? [1, 1];
    const qpos = new LiveView(() => simulation.qpos, model.jnt_qposadr[index], positions);
    const qvel = new LiveView(() => simulation.qvel, model.jnt_dofadr[index], velocities);
    return {
      get qpos() {
        return qpos.values;
      },
      get qvel() {
        return qvel.values;
      },
    };
  }
}

/** `size` numbers from `start` of an array in the engine's heap, whose views end when it grows. */
class LiveView {
  readonly #read: () => Float64Array;
  readonly #start: number;
  readonly #size: number;
  #view: Float64Array = new Float64Array(0);

  constructor(read: () => Float64Array, start: number, size: number) {
    this.#read = read;
    this.#start = start;
    this.#size = size;
  }

  get values(): Float64Array {
    if (this.#view.length === 0) {
      this.#view = this.#read().subarray(this.#start, this.#start + this.#size);
    }
    return this.#view;
  }
}

interface FrameArrays {
  readonly at: () => Float64Array;
  readonly turned: () => Float64Array;
}

function newFrame(index: number, { at, turned }: FrameArrays): TaskFrame {
  const position = new LiveView(at, 3 * index, 3);
  const rotation = new LiveView(turned, 9 * index, 9);
  return {
    get position() {
      return position.values;
    },
    get rotation() {
      return rotation.values;
    },
  };
}

function remember<Value>(known: Map<string, Value>, name: string, make: () => Value): Value {
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = make();
  known.set(name, made);
  return made;
}
