import { MATERIALS } from "./materials.ts";

/**
 * dm_control's pendulum: all of its mass is the ball at the end. Nothing collides.
 *
 * Numbers from the compiled reference model, equal to the last bit.
 */
export const PENDULUM_MJCF = `
<mujoco model="pendulum">
  <option timestep="0.02" gravity="0 0 -9.81" integrator="Euler">
    <flag contact="disable" energy="enable"/>
  </option>
  <size memory="512K"/>${MATERIALS}
  <worldbody>
    <camera name="fixed" pos="0 -1.5 2" xyaxes="1 0 0 0 1 1"/>
    <camera name="lookat" mode="targetbodycom" target="pole" pos="0 -2 1"/>
    <geom name="floor" type="plane" size="2 2 0.2" material="grid"/>
    <body name="pole" pos="0 0 0.6">
      <joint name="hinge" type="hinge" axis="0 1 0" damping="0.1"/>
      <geom name="base" type="cylinder" size="0.021" fromto="0 -0.03 0 0 0.03 0" mass="0" material="decoration"/>
      <geom name="pole" type="capsule" size="0.02" fromto="0 0 0 0 0 0.5" mass="0" material="self"/>
      <geom name="mass" type="sphere" size="0.05" pos="0 0 0.5" mass="1" material="effector"/>
    </body>
  </worldbody>
  <actuator>
    <motor name="torque" joint="hinge" gear="1" ctrllimited="true" ctrlrange="-1 1"/>
  </actuator>
</mujoco>`;
