import type { MjData, MjModel } from "@mujoco/mujoco";
import type { Simulation } from "../mujoco/engine.ts";
import { dataRow, jointRows, type Row, sensorRow } from "../mujoco/rows.ts";
import type { TaskFrame, TaskJoint, TaskOptions, TaskSimulation } from "./task-definition.ts";

export interface LiveSimulationParts<Options extends TaskOptions> {
  readonly simulation: Simulation;
  readonly options: Options;
  readonly dt: number;
  readonly memory: Float64Array;
}

/** A simulation with its parts by name, each looked up once. */
export class LiveSimulation<Options extends TaskOptions> implements TaskSimulation<Options> {
  readonly options: Options;
  readonly dt: number;
  readonly memory: Float64Array;
  readonly model: MjModel;
  readonly data: MjData;
  readonly #simulation: Simulation;
  readonly #joints = new Map<string, TaskJoint>();
  readonly #bodies = new Map<string, TaskFrame>();
  readonly #geoms = new Map<string, TaskFrame>();
  readonly #sites = new Map<string, TaskFrame>();
  readonly #sensors = new Map<string, Row>();

  constructor({ simulation, options, dt, memory }: LiveSimulationParts<Options>) {
    this.options = options;
    this.dt = dt;
    this.memory = memory;
    this.model = simulation.model;
    this.data = simulation.data;
    this.#simulation = simulation;
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
    return remember(this.#joints, name, () => {
      const { qpos, qvel } = jointRows(this.#simulation, name);
      return {
        get qpos() {
          return qpos();
        },
        get qvel() {
          return qvel();
        },
      };
    });
  }

  body(name: string): TaskFrame {
    return remember(this.#bodies, name, () => this.#frame("xpos", "xmat", name));
  }

  geom(name: string): TaskFrame {
    return remember(this.#geoms, name, () => this.#frame("geom_xpos", "geom_xmat", name));
  }

  site(name: string): TaskFrame {
    return remember(this.#sites, name, () => this.#frame("site_xpos", "site_xmat", name));
  }

  sensor(name: string): Float64Array {
    return remember(this.#sensors, name, () => sensorRow(this.#simulation, name))();
  }

  #frame(
    at: "xpos" | "geom_xpos" | "site_xpos",
    turned: "xmat" | "geom_xmat" | "site_xmat",
    name: string,
  ): TaskFrame {
    const position = dataRow(this.#simulation, at, name);
    const rotation = dataRow(this.#simulation, turned, name);
    return {
      get position() {
        return position();
      },
      get rotation() {
        return rotation();
      },
    };
  }
}

function remember<Value>(known: Map<string, Value>, name: string, make: () => Value): Value {
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = make();
  known.set(name, made);
  return made;
}
