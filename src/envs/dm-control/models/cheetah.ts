import { MATERIALS } from "./materials.ts";

/**
 * dm_control's planar cheetah. All masses are rescaled to a total of 14 kg; unlike Gymnasium's, its
 * limbs collide with each other.
 *
 * Numbers from the compiled reference model, equal to the last bit. The 0.4 degrees of fthigh are the
 * suite's own.
 */
export const CHEETAH_MJCF = `
<mujoco model="cheetah">
  <compiler settotalmass="14"/>
  <statistic center="0 0 0.7" extent="2"/>
  <option timestep="0.01" gravity="0 0 -9.81" integrator="Euler"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <default class="cheetah">
      <joint type="hinge" axis="0 1 0" limited="true" armature="0.1"/>
      <geom type="capsule" size="0.046" friction="0.4 0.1 0.1" material="self"/>
    </default>
    <motor ctrllimited="true" ctrlrange="-1 1"/>
  </default>
  <worldbody>
    <geom name="ground" type="plane" size="100 0.8 0.5" pos="98 0 0" material="grid"/>
    <body name="torso" pos="0 0 0.7" childclass="cheetah">
      <camera name="side" mode="trackcom" pos="0 -3 0" quat="0.707 0.707 0 0"/>
      <camera name="back" mode="trackcom" pos="-1.8 -1.3 0.8" xyaxes="0.45 -0.9 0 0.3 0.15 0.94"/>
      <joint name="rootx" type="slide" axis="1 0 0" limited="false" armature="0"/>
      <joint name="rootz" type="slide" axis="0 0 1" limited="false" armature="0"/>
      <joint name="rooty" limited="false" armature="0"/>
      <geom name="torso" fromto="-0.5 0 0 0.5 0 0"/>
      <geom name="head" size="0.046 0.15" pos="0.6 0 0.1" euler="0 50 0"/>
      <body name="bthigh" pos="-0.5 0 0">
        <joint name="bthigh" range="-30 60" stiffness="240" damping="6"/>
        <geom name="bthigh" size="0.046 0.145" pos="0.1 0 -0.13" euler="0 -218 0"/>
        <body name="bshin" pos="0.16 0 -0.25">
          <joint name="bshin" range="-50 50" stiffness="180" damping="4.5"/>
          <geom name="bshin" size="0.046 0.15" pos="-0.14 0 -0.07" euler="0 -116 0"/>
          <body name="bfoot" pos="-0.28 0 -0.14">
            <joint name="bfoot" range="-230 50" stiffness="120" damping="3"/>
            <geom name="bfoot" size="0.046 0.094" pos="0.03 0 -0.097" euler="0 -15 0"/>
          </body>
        </body>
      </body>
      <body name="fthigh" pos="0.5 0 0">
        <joint name="fthigh" range="-57 0.4" stiffness="180" damping="4.5"/>
        <geom name="fthigh" size="0.046 0.133" pos="-0.07 0 -0.12" euler="0 30 0"/>
        <body name="fshin" pos="-0.14 0 -0.24">
          <joint name="fshin" range="-70 50" stiffness="120" damping="3"/>
          <geom name="fshin" size="0.046 0.106" pos="0.065 0 -0.09" euler="0 -34 0"/>
          <body name="ffoot" pos="0.13 0 -0.18">
            <joint name="ffoot" range="-28 28" stiffness="60" damping="1.5"/>
            <geom name="ffoot" size="0.046 0.07" pos="0.045 0 -0.07" euler="0 -34 0"/>
          </body>
        </body>
      </body>
    </body>
  </worldbody>
  <sensor>
    <subtreelinvel name="torso_subtreelinvel" body="torso"/>
  </sensor>
  <actuator>
    <motor name="bthigh" joint="bthigh" gear="120"/>
    <motor name="bshin" joint="bshin" gear="90"/>
    <motor name="bfoot" joint="bfoot" gear="60"/>
    <motor name="fthigh" joint="fthigh" gear="90"/>
    <motor name="fshin" joint="fshin" gear="60"/>
    <motor name="ffoot" joint="ffoot" gear="30"/>
  </actuator>
</mujoco>`;
