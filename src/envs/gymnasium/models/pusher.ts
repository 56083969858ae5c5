import { MATERIALS } from "./materials.ts";

/**
 * The arm, object and goal of Gymnasium's Pusher-v5.
 *
 * Numbers from the compiled reference model, equal to the last bit. There is no gravity. Object and goal
 * slide along y first, then x. Table, wrist and object are all that can touch.
 */
export const PUSHER_MJCF = `
<mujoco model="pusher">
  <compiler angle="radian" inertiafromgeom="true"/>
  <option timestep="0.01" gravity="0 0 0" integrator="Euler" iterations="20"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint type="hinge" damping="0.1" armature="0.04"/>
    <geom type="capsule" material="body" density="300" condim="1" contype="0" conaffinity="0" margin="0.002"
          friction="0.8 0.1 0.1"/>
    <motor ctrllimited="true" ctrlrange="-2 2"/>
    <default class="solid">
      <geom contype="1" conaffinity="1"/>
    </default>
    <default class="slide">
      <joint type="slide" range="-10.3213 10.3" damping="0.5"/>
    </default>
  </default>
  <worldbody>
    <geom name="table" class="solid" type="plane" material="floor" size="1 1 0.1" pos="0 0.5 -0.325"/>
    <body name="r_shoulder_pan_link" pos="0 -0.6 0">
      <joint name="r_shoulder_pan_joint" axis="0 0 1" range="-2.2854 1.714602" damping="1"/>
      <geom name="e1" type="sphere" size="0.05" pos="-0.06 0.05 0.2"/>
      <geom name="e2" type="sphere" size="0.05" pos="0.06 0.05 0.2"/>
      <geom name="e1p" type="sphere" size="0.03" pos="-0.06 0.09 0.2"/>
      <geom name="e2p" type="sphere" size="0.03" pos="0.06 0.09 0.2"/>
      <geom name="sp" size="0.1" fromto="0 0 -0.4 0 0 0.2"/>
      <body name="r_shoulder_lift_link" pos="0.1 0 0">
        <joint name="r_shoulder_lift_joint" axis="0 1 0" range="-0.5236 1.3963" damping="1"/>
        <geom name="sl" size="0.1" fromto="0 -0.1 0 0 0.1 0"/>
        <body name="r_upper_arm_roll_link">
          <joint name="r_upper_arm_roll_joint" axis="1 0 0" range="-1.5 1.7"/>
          <geom name="uar" size="0.02" fromto="-0.1 0 0 0.1 0 0"/>
          <body name="r_upper_arm_link">
            <geom name="ua" size="0.06" fromto="0 0 0 0.4 0 0"/>
            <body name="r_elbow_flex_link" pos="0.4 0 0">
              <joint name="r_elbow_flex_joint" axis="0 1 0" range="-2.3213 0"/>
              <geom name="ef" size="0.06" fromto="0 -0.02 0 0 0.02 0"/>
              <body name="r_forearm_roll_link">
                <joint name="r_forearm_roll_joint" axis="1 0 0" range="-1.5 1.5"/>
                <geom name="fr" size="0.02" fromto="-0.1 0 0 0.1 0 0"/>
                <body name="r_forearm_link">
                  <geom name="fa" size="0.05" fromto="0 0 0 0.291 0 0"/>
                  <body name="r_wrist_flex_link" pos="0.321 0 0">
                    <joint name="r_wrist_flex_joint" axis="0 1 0" range="-1.094 0"/>
                    <geom name="wf" size="0.01" fromto="0 -0.02 0 0 0.02 0"/>
                    <body name="r_wrist_roll_link">
                      <joint name="r_wrist_roll_joint" axis="1 0 0" range="-1.5 1.5"/>
                      <geom name="palm" class="solid" size="0.02" fromto="0 -0.1 0 0 0.1 0"/>
                      <geom name="finger1" class="solid" size="0.02" fromto="0 -0.1 0 0.1 -0.1 0"/>
                      <geom name="finger2" class="solid" size="0.02" fromto="0 0.1 0 0.1 0.1 0"/>
                      <body name="tips_arm">
                        <geom name="tip_arml" type="sphere" size="0.01" pos="0.1 -0.1 0"/>
                        <geom name="tip_armr" type="sphere" size="0.01" pos="0.1 0.1 0"/>
                      </body>
                    </body>
                  </body>
                </body>
              </body>
            </body>
          </body>
        </body>
      </body>
    </body>
    <body name="object" pos="0.45 -0.05 -0.275">
      <joint name="obj_slidey" class="slide" axis="0 1 0"/>
      <joint name="obj_slidex" class="slide" axis="1 0 0"/>
      <geom name="object" type="cylinder" material="effector" size="0.05 0.05 0.05" density="0.01" contype="1"/>
    </body>
    <body name="goal" pos="0.45 -0.05 -0.323">
      <joint name="goal_slidey" class="slide" axis="0 1 0"/>
      <joint name="goal_slidex" class="slide" axis="1 0 0"/>
      <geom name="goal" type="cylinder" material="target" size="0.08 0.001 0.1" density="1e-05"/>
    </body>
  </worldbody>
  <actuator>
    <motor name="r_shoulder_pan" joint="r_shoulder_pan_joint"/>
    <motor name="r_shoulder_lift" joint="r_shoulder_lift_joint"/>
    <motor name="r_upper_arm_roll" joint="r_upper_arm_roll_joint"/>
    <motor name="r_elbow_flex" joint="r_elbow_flex_joint"/>
    <motor name="r_forearm_roll" joint="r_forearm_roll_joint"/>
    <motor name="r_wrist_flex" joint="r_wrist_flex_joint"/>
    <motor name="r_wrist_roll" joint="r_wrist_roll_joint"/>
  </actuator>
</mujoco>`;
