import { MATERIALS } from "./materials.ts";

/**
 * dm_control's planar one-legged hopper. The spheres at toe and heel are where touch is measured.
 *
 * Numbers from the compiled reference model, equal to the last bit.
 */
export const HOPPER_MJCF = `
<mujoco model="planar hopper">
  <statistic center="0 0 0.5" extent="2"/>
  <option timestep="0.005" gravity="0 0 -9.81" integrator="Euler"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <default class="hopper">
      <joint type="hinge" axis="0 1 0" limited="true" damping="0.05" armature="0.2"/>
      <geom type="capsule" material="self"/>
      <site type="sphere" size="0.05" group="3"/>
    </default>
    <default class="root">
      <joint type="slide" limited="false" damping="0" armature="0"/>
    </default>
    <motor ctrllimited="true" ctrlrange="-1 1"/>
  </default>
  <worldbody>
    <camera name="cam0" mode="trackcom" pos="0 -2.8 0.8" euler="90 0 0"/>
    <camera name="back" mode="trackcom" pos="-2 -0.2 1.2" xyaxes="0.2 -1 0 0.5 0 2"/>
    <geom name="floor" type="plane" size="50 1 0.2" pos="48 0 0" material="grid"/>
    <body name="torso" pos="0 0 1" childclass="hopper">
      <joint name="rootx" class="root" axis="1 0 0"/>
      <joint name="rootz" class="root" axis="0 0 1"/>
      <joint name="rooty" class="root" type="hinge" axis="0 1 0"/>
      <geom name="torso" size="0.0653" fromto="0 0 -0.05 0 0 0.2"/>
      <geom name="nose" size="0.03" fromto="0.08 0 0.13 0.15 0 0.14"/>
      <body name="pelvis" pos="0 0 -0.05">
        <joint name="waist" range="-30 30"/>
        <geom name="pelvis" size="0.065" fromto="0 0 0 0 0 -0.15"/>
        <body name="thigh" pos="0 0 -0.2">
          <joint name="hip" range="-170 10"/>
          <geom name="thigh" size="0.04" fromto="0 0 0 0 0 -0.33"/>
          <body name="calf" pos="0 0 -0.33">
            <joint name="knee" range="5 150"/>
            <geom name="calf" size="0.03" fromto="0 0 0 0 0 -0.32"/>
            <body name="foot" pos="0 0 -0.32">
              <joint name="ankle" range="-45 45"/>
              <geom name="foot" size="0.04" fromto="-0.08 0 0 0.17 0 0"/>
              <site name="touch_toe" pos="0.17 0 0"/>
              <site name="touch_heel" pos="-0.08 0 0"/>
            </body>
          </body>
        </body>
      </body>
    </body>
  </worldbody>
  <sensor>
    <subtreelinvel name="torso_subtreelinvel" body="torso"/>
    <touch name="touch_toe" site="touch_toe"/>
    <touch name="touch_heel" site="touch_heel"/>
  </sensor>
  <actuator>
    <motor name="waist" joint="waist" gear="30"/>
    <motor name="hip" joint="hip" gear="40"/>
    <motor name="knee" joint="knee" gear="30"/>
    <motor name="ankle" joint="ankle" gear="10"/>
  </actuator>
</mujoco>`;
