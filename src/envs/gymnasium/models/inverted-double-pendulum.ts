import { MATERIALS } from "./materials.ts";

/**
 * The cart with two poles of Gymnasium's InvertedDoublePendulum-v5 and v4.
 *
 * Numbers from the compiled reference model, equal to the last bit: gravity leans a little to one side,
 * and the rails' quaternions are not normalised. Nothing touches anything.
 */
export const INVERTED_DOUBLE_PENDULUM_MJCF = `
<mujoco model="inverted double pendulum">
  <compiler angle="degree" inertiafromgeom="true"/>
  <option timestep="0.01" gravity="1e-05 0 -9.81" integrator="RK4"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint type="hinge" axis="0 1 0" damping="0.05"/>
    <geom type="capsule" material="body" contype="0" conaffinity="1" friction="1 0.1 0.1"/>
  </default>
  <worldbody>
    <geom name="floor" type="plane" material="floor" size="40 40 40" pos="0 0 -3"/>
    <geom name="rail" size="0.02 1" quat="0.707 0 0.707 0"/>
    <body name="cart">
      <joint name="slider" type="slide" axis="1 0 0" range="-1 1" margin="0.01"/>
      <geom name="cart" size="0.1 0.1" quat="0.707 0 0.707 0"/>
      <body name="pole">
        <joint name="hinge"/>
        <geom name="cpole" size="0.045 0.3" fromto="0 0 0 0 0 0.6"/>
        <body name="pole2" pos="0 0 0.6">
          <joint name="hinge2"/>
          <geom name="cpole2" size="0.045 0.3" fromto="0 0 0 0 0 0.6"/>
          <site name="tip" size="0.01 0.01" pos="0 0 0.6"/>
        </body>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="slide" joint="slider" ctrllimited="true" ctrlrange="-1 1" gear="500"/>
  </actuator>
</mujoco>`;
