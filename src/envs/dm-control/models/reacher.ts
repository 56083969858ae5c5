import { MATERIALS } from "./materials.ts";
import { WALLS } from "./walls.ts";

/**
 * dm_control's reacher: a planar arm of two links. Nothing collides.
 *
 * Numbers from the compiled reference model, equal to the last bit.
 */
export const REACHER_MJCF = `
<mujoco model="two-link planar reacher">
  <option timestep="0.02" gravity="0 0 -9.81" integrator="Euler">
    <flag contact="disable"/>
  </option>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint type="hinge" axis="0 0 1" damping="0.01"/>
    <motor gear="0.05" ctrllimited="true" ctrlrange="-1 1"/>
  </default>
  <worldbody>
    <camera name="fixed" pos="0 0 0.75" quat="1 0 0 0"/>
    <geom name="ground" type="plane" size="0.3 0.3 10" material="grid"/>${WALLS}
    <geom name="root" type="cylinder" size="0.011" fromto="0 0 0 0 0 0.02" material="decoration"/>
    <geom name="target" type="sphere" size="0.05" pos="0 0 0.01" material="target"/>
    <body name="arm" pos="0 0 0.01">
      <joint name="shoulder"/>
      <geom name="arm" type="capsule" size="0.01" fromto="0 0 0 0.12 0 0" material="self"/>
      <body name="hand" pos="0.12 0 0">
        <joint name="wrist" limited="true" range="-160 160"/>
        <geom name="hand" type="capsule" size="0.01" fromto="0 0 0 0.1 0 0" material="self"/>
        <body name="finger" pos="0.12 0 0">
          <camera name="hand" mode="track" pos="0 0 0.2"/>
          <geom name="finger" type="sphere" size="0.01" material="effector"/>
        </body>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="shoulder" joint="shoulder"/>
    <motor name="wrist" joint="wrist"/>
  </actuator>
</mujoco>`;
