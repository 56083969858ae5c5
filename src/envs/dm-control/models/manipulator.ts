import { MATERIALS } from "./materials.ts";

/**
 * The planar arm of dm_control's manipulator domain with a ball and its target, as bring_ball has them.
 * One motor closes finger and thumb, which a tendon keeps symmetric.
 *
 * Numbers from the compiled reference model, equal to the last bit.
 */
export const MANIPULATOR_MJCF = `
<mujoco model="manipulator">
  <option timestep="0.001" cone="elliptic"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint axis="0 -1 0" solreflimit="0.005 1" solimplimit="0 0.99 0.01"/>
    <geom friction="0.7 0.005 0.0001" solref="0.005 1" solimp="0.9 0.97 0.001" material="self"
          density="500"/>
    <site type="box" group="4"/>
    <motor ctrlrange="-1 1"/>
  </default>
  <worldbody>
    <camera name="fixed" mode="fixed" pos="0 -16 0.4" xyaxes="1 0 0 0 0 1" fovy="4"/>
    <geom name="floor" type="plane" size="0.4 0.2 10" density="1000" material="grid"/>
    <geom name="wall1" type="plane" size="0.4 0.2 10" pos="-0.682843 0 0.282843" zaxis="1 0 1"
          density="1000" material="grid"/>
    <geom name="wall2" type="plane" size="0.4 0.2 10" pos="0.682843 0 0.282843" zaxis="-1 0 1"
          density="1000" material="grid"/>
    <geom name="background" type="plane" size="1 0.5 10" pos="0 0.2 0.5" zaxis="0 -1 0"
          density="1000" material="grid"/>
    <geom name="arm_root" type="cylinder" size="0.024" fromto="0 -0.022 0.4 0 0.022 0.4"
          density="1000" contype="0" conaffinity="0" material="decoration"/>
    <body name="upper_arm" pos="0 0 0.4">
      <joint name="arm_root" damping="2"/>
      <geom name="upper_arm" type="capsule" size="0.02" fromto="0 0 0 0 0 0.18"/>
      <body name="middle_arm" pos="0 0 0.18">
        <joint name="arm_shoulder" range="-160 160" damping="1.5"/>
        <geom name="middle_arm" type="capsule" size="0.017" fromto="0 0 0 0 0 0.15"/>
        <body name="lower_arm" pos="0 0 0.15">
          <joint name="arm_elbow" range="-160 160" damping="1"/>
          <geom name="lower_arm" type="capsule" size="0.014" fromto="0 0 0 0 0 0.12"/>
          <body name="hand" pos="0 0 0.12">
            <joint name="arm_wrist" range="-140 140" damping="0.5"/>
            <geom name="hand" type="capsule" size="0.011" fromto="0 0 0 0 0 0.03"/>
            <geom name="palm1" type="capsule" size="0.008" fromto="0 0 0.03 0.03 0 0.045"/>
            <geom name="palm2" type="capsule" size="0.008" fromto="0 0 0.03 -0.03 0 0.045"/>
            <site name="grasp" type="sphere" size="0.003 0.003 0.003" pos="0 0 0.065" group="3"/>
            <site name="palm_touch" size="0.025 0.005 0.008" pos="0 0 0.043"/>
            <body name="pinch site" pos="0 0 0.09">
              <inertial pos="0 0 0" mass="1e-06" diaginertia="1e-12 1e-12 1e-12"/>
              <camera name="hand" mode="track" pos="0 -0.3 0" xyaxes="1 0 0 0 0 1"/>
              <site name="pinch" type="sphere" size="0.003 0.003 0.003" group="3"/>
            </body>
            <body name="thumb" pos="0.03 0 0.045" euler="0 -90 0">
              <joint name="thumb" range="-10 60" damping="0.5"/>
              <geom name="thumb1" type="capsule" size="0.007" fromto="0 0 0 0.02 0 -0.01"/>
              <geom name="thumb2" type="capsule" size="0.007" fromto="0.02 0 -0.01 0.04 0 -0.01"/>
              <site name="thumb_touch" size="0.018 0.005 0.005" pos="0.022 0 -0.002" euler="0 15 0"/>
              <body name="thumbtip" pos="0.05 0 -0.01">
                <joint name="thumbtip" range="-40 20" stiffness="0.01" damping="0.01"/>
                <geom name="thumbtip1" size="0.008" pos="-0.003 0 0" material="effector"/>
                <geom name="thumbtip2" size="0.008" pos="0.003 0 0" material="effector"/>
                <site name="thumbtip_touch" size="0.012 0.005 0.008" pos="0.003 0 0.003"
                      euler="0 0 0"/>
              </body>
            </body>
            <body name="finger" pos="-0.03 0 0.045" euler="0 90 180">
              <joint name="finger" range="-10 60" damping="0.5"/>
              <geom name="finger1" type="capsule" size="0.007" fromto="0 0 0 0.02 0 -0.01"/>
              <geom name="finger2" type="capsule" size="0.007" fromto="0.02 0 -0.01 0.04 0 -0.01"/>
              <site name="finger_touch" size="0.018 0.005 0.005" pos="0.022 0 -0.002" euler="0 15 0"/>
              <body name="fingertip" pos="0.05 0 -0.01">
                <joint name="fingertip" range="-40 20" stiffness="0.01" damping="0.01"/>
                <geom name="fingertip1" size="0.008" pos="-0.003 0 0" material="effector"/>
                <geom name="fingertip2" size="0.008" pos="0.003 0 0" material="effector"/>
                <site name="fingertip_touch" size="0.012 0.005 0.008" pos="0.003 0 0.003"
                      euler="0 0 0"/>
              </body>
            </body>
          </body>
        </body>
      </body>
    </body>
    <body name="ball" pos="0.4 0 0.4">
      <joint name="ball_x" type="slide" axis="1 0 0" ref="0.4"/>
      <joint name="ball_z" type="slide" axis="0 0 1" ref="0.4"/>
      <joint name="ball_y" axis="0 1 0"/>
      <geom name="ball" size="0.022" density="1000"/>
      <site name="ball" type="sphere" size="0.003 0.003 0.003" group="3"/>
    </body>
    <body name="target_ball" pos="0.4 0.001 0.4">
      <geom name="target_ball" size="0.02" density="1000" contype="0" conaffinity="0"
            material="target"/>
      <site name="target_ball" type="sphere" size="0.003 0.003 0.003" group="3"/>
    </body>
  </worldbody>
  <tendon>
    <fixed name="grasp">
      <joint joint="thumb" coef="0.5"/>
      <joint joint="finger" coef="0.5"/>
    </fixed>
    <fixed name="coupling">
      <joint joint="thumb" coef="-0.5"/>
      <joint joint="finger" coef="0.5"/>
    </fixed>
  </tendon>
  <equality>
    <tendon name="coupling" tendon1="coupling" solimp="0.95 0.99 0.001" solref="0.005 0.5"/>
  </equality>
  <actuator>
    <motor name="root" joint="arm_root" gear="12"/>
    <motor name="shoulder" joint="arm_shoulder" gear="8"/>
    <motor name="elbow" joint="arm_elbow" gear="4"/>
    <motor name="wrist" joint="arm_wrist" gear="2"/>
    <motor name="grasp" tendon="grasp" gear="2"/>
  </actuator>
  <sensor>
    <touch name="palm_touch" site="palm_touch"/>
    <touch name="finger_touch" site="finger_touch"/>
    <touch name="thumb_touch" site="thumb_touch"/>
    <touch name="fingertip_touch" site="fingertip_touch"/>
    <touch name="thumbtip_touch" site="thumbtip_touch"/>
  </sensor>
</mujoco>`;
