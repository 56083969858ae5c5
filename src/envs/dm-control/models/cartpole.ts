import { MATERIALS } from "./materials.ts";

/**
 * The cart of dm_control's cartpole domain with one pole or more on top of each other. Nothing collides.
 *
 * Numbers from the compiled reference models, equal to the last bit.
 */
export const cartpoleMjcf = (poles: number): string => `
<mujoco model="cartpole">
  <option timestep="0.01" gravity="0 0 -9.81" integrator="RK4">
    <flag contact="disable" energy="enable"/>
  </option>
  <size memory="512K"/>${MATERIALS}
  <default>
    <default class="pole">
      <joint type="hinge" axis="0 1 0" damping="2e-06"/>
      <geom type="capsule" size="0.045" fromto="0 0 0 0 0 1" mass="0.1" material="self"/>
    </default>
  </default>
  <worldbody>
    <camera name="fixed" pos="0 -4 1" zaxis="0 -1 0"/>
    <camera name="lookatcart" mode="targetbody" target="cart" pos="0 -2 2"/>
    <geom name="floor" type="plane" size="4 4 0.2" pos="0 0 ${1 - poles - 0.05}" material="grid"/>
    <geom name="rail1" type="capsule" size="0.02 2" pos="0 0.07 1" zaxis="1 0 0" material="decoration"/>
    <geom name="rail2" type="capsule" size="0.02 2" pos="0 -0.07 1" zaxis="1 0 0" material="decoration"/>
    <body name="cart" pos="0 0 1">
      <joint name="slider" type="slide" axis="1 0 0" limited="true" range="-1.8 1.8" damping="0.0005" solreflimit="0.08 1"/>
      <geom name="cart" type="box" size="0.2 0.15 0.1" mass="1" material="self"/>
      ${pole(1, poles)}
    </body>
  </worldbody>
  <actuator>
    <motor name="slide" joint="slider" gear="10" ctrllimited="true" ctrlrange="-1 1"/>
  </actuator>
</mujoco>`;

/** Pole `k` of `count`, which carries the next. */
function pole(k: number, count: number): string {
  const next = k < count ? pole(k + 1, count) : "";
  return `<body name="pole_${k}" pos="0 0 ${k === 1 ? 0 : 1}" childclass="pole">
        <joint name="hinge_${k}"/>
        <geom name="pole_${k}"/>${next}
      </body>`;
}
