import { MATERIALS } from "./materials.ts";

/**
 * The cart and pole of Gymnasium's InvertedPendulum-v5.
 *
 * Numbers from the compiled reference model, equal to the last bit. Nothing collides.
 */
export const INVERTED_PENDULUM_MJCF = `
<mujoco model="inverted_pendulum">
  <compiler angle="degree" inertiafromgeom="true"/>
  <option timestep="0.02" gravity="0 0 -9.81" integrator="RK4"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint damping="1"/>
    <geom type="capsule" material="body" contype="0" conaffinity="1" friction="1 0.1 0.1"/>
  </default>
  <worldbody>
    <geom name="rail" size="0.02 1" quat="0.707 0 0.707 0"/>
    <body name="cart">
      <joint name="slider" type="slide" axis="1 0 0" range="-1 1"/>
      <geom name="cart" size="0.1 0.1" quat="0.707 0 0.707 0"/>
      <body name="pole">
        <joint name="hinge" type="hinge" axis="0 1 0" range="-90 90"/>
        <geom name="cpole" size="0.049 0.3" fromto="0 0 0 0.001 0 0.6"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="slide" joint="slider" gear="100" ctrllimited="true" ctrlrange="-3 3"/>
  </actuator>
</mujoco>`;
