import { MATERIALS } from "./materials.ts";

/**
 * The two-link arm of Gymnasium's Reacher-v5 and v4.
 *
 * Numbers from the compiled reference model, equal to the last bit. The target's slides read its world
 * coordinates. Arm and target touch nothing.
 */
export const REACHER_MJCF = `
<mujoco model="reacher">
  <compiler angle="radian" inertiafromgeom="true"/>
  <option timestep="0.01" gravity="0 0 -9.81" integrator="RK4"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint type="hinge" axis="0 0 1" damping="1" armature="1"/>
    <geom type="capsule" material="body" contype="0" conaffinity="0" friction="1 0.1 0.1"/>
    <motor ctrllimited="true" ctrlrange="-1 1" gear="200"/>
    <default class="side">
      <geom size="0.02"/>
    </default>
    <default class="arm">
      <geom size="0.01" conaffinity="1"/>
    </default>
    <default class="target">
      <joint type="slide" range="-0.27 0.27" damping="0" armature="0"/>
    </default>
  </default>
  <worldbody>
    <geom name="ground" type="plane" material="floor" size="1 1 10"/>
    <geom name="sideS" class="side" fromto="-0.3 -0.3 0.01 0.3 -0.3 0.01"/>
    <geom name="sideE" class="side" fromto="0.3 -0.3 0.01 0.3 0.3 0.01"/>
    <geom name="sideN" class="side" fromto="-0.3 0.3 0.01 0.3 0.3 0.01"/>
    <geom name="sideW" class="side" fromto="-0.3 -0.3 0.01 -0.3 0.3 0.01"/>
    <geom name="root" type="cylinder" size="0.011" fromto="0 0 0 0 0 0.02"/>
    <body name="body0" pos="0 0 0.01">
      <joint name="joint0"/>
      <geom name="link0" class="arm" fromto="0 0 0 0.1 0 0"/>
      <body name="body1" pos="0.1 0 0">
        <joint name="joint1" range="-3 3"/>
        <geom name="link1" class="arm" fromto="0 0 0 0.1 0 0"/>
        <body name="fingertip" pos="0.11 0 0">
          <geom name="fingertip" class="arm" type="sphere" material="effector"/>
        </body>
      </body>
    </body>
    <body name="target" pos="0.1 -0.1 0.01">
      <joint name="target_x" class="target" axis="1 0 0" ref="0.1"/>
      <joint name="target_y" class="target" axis="0 1 0" ref="-0.1"/>
      <geom name="target" type="sphere" material="target" size="0.009"/>
    </body>
  </worldbody>
  <actuator>
    <motor name="joint0" joint="joint0"/>
    <motor name="joint1" joint="joint1"/>
  </actuator>
</mujoco>`;
