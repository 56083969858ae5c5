import loadMujoco, { type MainModule } from "@mujoco/mujoco";

let loading: Promise<MainModule> | undefined;

/** The MuJoCo wasm instance of this thread: one heap for all its simulations, limited to 2 GiB. */
export function mujocoModule(): Promise<MainModule> {
  loading ??= loadMujoco();
  return loading;
}
