import { MATERIALS } from "./materials.ts";
import { WALLS } from "./walls.ts";

/**
 * dm_control's point mass, pulled by two tendons. Nothing collides.
 *
 * Numbers from the compiled reference model, equal to the last bit.
 */
export const POINT_MASS_MJCF = `
<mujoco model="planar point mass">
  <option timestep="0.02" gravity="0 0 -9.81" integrator="Euler">
    <flag contact="disable"/>
  </option>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint type="slide" limited="true" range="-0.29 0.29" damping="1"/>
    <motor gear="0.1" ctrllimited="true" ctrlrange="-1 1"/>
  </default>
  <worldbody>
    <camera name="fixed" pos="0 0 0.75" quat="1 0 0 0"/>
    <geom name="ground" type="plane" size="0.3 0.3 0.1" material="grid"/>${WALLS}
    <geom name="target" type="sphere" size="0.015" pos="0 0 0.01" material="target"/>
    <body name="pointmass" pos="0 0 0.01">
      <camera name="cam0" pos="0 -0.3 0.3" xyaxes="1 0 0 0 0.7 0.7"/>
      <joint name="root_x" axis="1 0 0"/>
      <joint name="root_y" axis="0 1 0"/>
      <geom name="pointmass" type="sphere" size="0.01" mass="0.3" material="self"/>
    </body>
  </worldbody>
  <tendon>
    <fixed name="t1">
      <joint joint="root_x" coef="1"/>
      <joint joint="root_y" coef="0"/>
    </fixed>
    <fixed name="t2">
      <joint joint="root_x" coef="0"/>
      <joint joint="root_y" coef="1"/>
    </fixed>
  </tendon>
  <actuator>
    <motor name="t1" tendon="t1"/>
    <motor name="t2" tendon="t2"/>
  </actuator>
</mujoco>`;
