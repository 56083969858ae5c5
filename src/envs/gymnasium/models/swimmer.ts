import { MATERIALS } from "./materials.ts";

/**
 * The three-link swimmer of Gymnasium's Swimmer-v5 and v4.
 *
 * Numbers from the compiled reference model, equal to the last bit. Nothing touches anything: the medium
 * is as dense as four times water, and the floor is there to be seen.
 */
export const SWIMMER_MJCF = `
<mujoco model="swimmer">
  <compiler angle="degree" inertiafromgeom="true"/>
  <option timestep="0.01" gravity="0 0 -9.81" integrator="RK4" density="4000" viscosity="0.1"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint type="hinge" axis="0 0 1" armature="0.1"/>
    <geom type="capsule" material="body" size="0.1" condim="1" contype="0" conaffinity="0"/>
    <motor ctrllimited="true" ctrlrange="-1 1" gear="150"/>
  </default>
  <worldbody>
    <geom name="floor" type="plane" material="floor" size="40 40 0.1" pos="0 0 -0.1" condim="3"/>
    <body name="torso">
      <camera name="track" mode="trackcom" pos="0 -3 3" xyaxes="1 0 0 0 1 1"/>
      <joint name="slider1" type="slide" axis="1 0 0"/>
      <joint name="slider2" type="slide" axis="0 1 0"/>
      <joint name="free_body_rot"/>
      <geom name="torso" fromto="1.5 0 0 0.5 0 0"/>
      <body name="mid" pos="0.5 0 0">
        <joint name="motor1_rot" range="-100 100"/>
        <geom name="mid" fromto="0 0 0 -1 0 0"/>
        <body name="back" pos="-1 0 0">
          <joint name="motor2_rot" range="-100 100"/>
          <geom name="back" fromto="0 0 0 -1 0 0"/>
        </body>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="motor1" joint="motor1_rot"/>
    <motor name="motor2" joint="motor2_rot"/>
  </actuator>
</mujoco>`;
