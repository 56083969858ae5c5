import { MATERIALS } from "./materials.ts";

/**
 * dm_control's acrobot: two links with a motor between them. Nothing collides or is held.
 *
 * Numbers from the compiled reference model, equal to the last bit.
 */
export const ACROBOT_MJCF = `
<mujoco model="acrobot">
  <option timestep="0.01" gravity="0 0 -9.81" integrator="RK4">
    <flag constraint="disable" energy="enable"/>
  </option>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint type="hinge" axis="0 1 0" damping="0.05"/>
    <geom mass="1"/>
  </default>
  <worldbody>
    <camera name="fixed" pos="0 -6 2" zaxis="0 -1 0"/>
    <camera name="lookat" mode="targetbodycom" target="upper_arm" pos="0 -2 3"/>
    <geom name="floor" type="plane" size="3 3 0.2" material="grid"/>
    <site name="target" type="sphere" size="0.2" pos="0 0 4" group="3" material="target"/>
    <body name="upper_arm" pos="0 0 2">
      <joint name="shoulder"/>
      <geom name="upper_arm_decoration" type="cylinder" size="0.051" fromto="0 -0.06 0 0 0.06 0" mass="0" material="decoration"/>
      <geom name="upper_arm" type="capsule" size="0.05" fromto="0 0 0 0 0 1" material="self"/>
      <body name="lower_arm" pos="0 0 1">
        <joint name="elbow"/>
        <geom name="lower_arm" type="capsule" size="0.049" fromto="0 0 0 0 0 1" material="self"/>
        <site name="tip" size="0.01" pos="0 0 1"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="elbow" joint="elbow" gear="2" ctrllimited="true" ctrlrange="-1 1"/>
  </actuator>
</mujoco>`;
