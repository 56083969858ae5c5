import { MATERIALS } from "./materials.ts";

/**
 * dm_control's planar cup with a ball on a string.
 *
 * Numbers from the compiled reference model, equal to the last bit.
 */
export const BALL_IN_CUP_MJCF = `
<mujoco model="ball in cup">
  <option timestep="0.002" gravity="0 0 -9.81" integrator="Euler"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <motor gear="5" ctrllimited="true" ctrlrange="-1 1"/>
    <default class="cup">
      <joint type="slide" stiffness="20" damping="3"/>
      <geom type="capsule" size="0.008" material="self"/>
    </default>
  </default>
  <worldbody>
    <camera name="cam0" pos="0 -1 0.8" xyaxes="1 0 0 0 1 2"/>
    <camera name="cam1" pos="0 -1 0.4" xyaxes="1 0 0 0 0 1"/>
    <geom name="ground" type="plane" size="0.6 0.2 10" material="grid"/>
    <body name="cup" pos="0 0 0.6" childclass="cup">
      <joint name="cup_x" axis="1 0 0"/>
      <joint name="cup_z" axis="0 0 1"/>
      <geom name="cup_part_0" fromto="-0.05 0 0 -0.05 0 -0.075"/>
      <geom name="cup_part_1" fromto="-0.05 0 -0.075 -0.025 0 -0.1"/>
      <geom name="cup_part_2" fromto="-0.025 0 -0.1 0.025 0 -0.1"/>
      <geom name="cup_part_3" fromto="0.025 0 -0.1 0.05 0 -0.075"/>
      <geom name="cup_part_4" fromto="0.05 0 -0.075 0.05 0 0"/>
      <site name="cup" size="0.005" pos="0 0 -0.108"/>
      <site name="target" type="box" size="0.05 0.006 0.05" pos="0 0 -0.05" group="4"/>
    </body>
    <body name="ball" pos="0 0 0.2">
      <joint name="ball_x" type="slide" axis="1 0 0"/>
      <joint name="ball_z" type="slide" axis="0 0 1"/>
      <geom name="ball" type="sphere" size="0.025" material="effector"/>
      <site name="ball" size="0.005"/>
    </body>
  </worldbody>
  <actuator>
    <motor name="x" joint="cup_x"/>
    <motor name="z" joint="cup_z"/>
  </actuator>
  <tendon>
    <spatial name="string" limited="true" range="0 0.3" width="0.003">
      <site site="ball"/>
      <site site="cup"/>
    </spatial>
  </tendon>
</mujoco>`;
