import { MATERIALS } from "./materials.ts";

/**
 * The planar walker of dm_control's walker domain. Limbs touch the floor only.
 *
 * Numbers from the compiled reference model, equal to the last bit.
 */
export const WALKER_MJCF = `
<mujoco model="walker">
  <option timestep="0.0025"/>
  <size memory="512K"/>${MATERIALS}
  <statistic extent="2" center="0 0 1"/>
  <default>
    <joint axis="0 -1 0" damping="0.1" armature="0.01" solimplimit="0 0.99 0.01"/>
    <geom type="capsule" friction="0.7 0.1 0.1" conaffinity="0" material="self"/>
    <motor ctrlrange="-1 1"/>
  </default>
  <worldbody>
    <geom name="floor" type="plane" size="250 0.8 0.2" pos="248 0 0" zaxis="0 0 1" conaffinity="1"
          material="grid"/>
    <body name="torso" pos="0 0 1.3">
      <camera name="side" mode="trackcom" pos="0 -2 0.7" euler="60 0 0"/>
      <camera name="back" mode="trackcom" pos="-2 0 0.5" xyaxes="0 -1 0 1 0 3"/>
      <joint name="rootz" type="slide" axis="0 0 1" damping="0" armature="0"/>
      <joint name="rootx" type="slide" axis="1 0 0" damping="0" armature="0"/>
      <joint name="rooty" axis="0 1 0" damping="0" armature="0"/>
      <geom name="torso" size="0.07 0.3"/>
      <body name="right_thigh" pos="0 -0.05 -0.3">
        <joint name="right_hip" range="-20 100"/>
        <geom name="right_thigh" size="0.05 0.225" pos="0 0 -0.225"/>
        <body name="right_leg" pos="0 0 -0.7">
          <joint name="right_knee" pos="0 0 0.25" range="-150 0"/>
          <geom name="right_leg" size="0.04 0.25"/>
          <body name="right_foot" pos="0.06 0 -0.25">
            <joint name="right_ankle" pos="-0.06 0 0" range="-45 45"/>
            <geom name="right_foot" size="0.05 0.1" zaxis="1 0 0"/>
          </body>
        </body>
      </body>
      <body name="left_thigh" pos="0 0.05 -0.3">
        <joint name="left_hip" range="-20 100"/>
        <geom name="left_thigh" size="0.05 0.225" pos="0 0 -0.225"/>
        <body name="left_leg" pos="0 0 -0.7">
          <joint name="left_knee" pos="0 0 0.25" range="-150 0"/>
          <geom name="left_leg" size="0.04 0.25"/>
          <body name="left_foot" pos="0.06 0 -0.25">
            <joint name="left_ankle" pos="-0.06 0 0" range="-45 45"/>
            <geom name="left_foot" size="0.05 0.1" zaxis="1 0 0"/>
          </body>
        </body>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="right_hip" joint="right_hip" gear="100"/>
    <motor name="right_knee" joint="right_knee" gear="50"/>
    <motor name="right_ankle" joint="right_ankle" gear="20"/>
    <motor name="left_hip" joint="left_hip" gear="100"/>
    <motor name="left_knee" joint="left_knee" gear="50"/>
    <motor name="left_ankle" joint="left_ankle" gear="20"/>
  </actuator>
  <sensor>
    <subtreelinvel name="torso_subtreelinvel" body="torso"/>
  </sensor>
</mujoco>`;
