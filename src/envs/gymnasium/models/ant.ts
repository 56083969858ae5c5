import { MATERIALS } from "./materials.ts";

/**
 * The four-legged ant of Gymnasium's Ant-v5 and v4.
 *
 * Numbers from the compiled reference model, equal to the last bit. The reference pose has its ankles at 0,
 * outside their ranges; limbs touch the floor only; `aux_4` belongs to the leg that is driven first.
 */
export const ANT_MJCF = `
<mujoco model="ant">
  <compiler angle="degree" inertiafromgeom="true"/>
  <option timestep="0.01" gravity="0 0 -9.81" integrator="RK4"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint type="hinge" damping="1" armature="1"/>
    <geom type="capsule" material="body" size="0.08" density="5" condim="3" contype="1" conaffinity="0"
          margin="0.01" friction="1 0.5 0.5"/>
    <motor ctrllimited="true" ctrlrange="-1 1" gear="150"/>
    <default class="hip">
      <joint axis="0 0 1" range="-30 30"/>
    </default>
  </default>
  <worldbody>
    <geom name="floor" type="plane" material="floor" size="40 40 40" conaffinity="1"/>
    <body name="torso" pos="0 0 0.75">
      <camera name="track" mode="trackcom" pos="0 -3 0.3" xyaxes="1 0 0 0 0 1"/>
      <joint name="root" type="free" limited="false" damping="0" armature="0" margin="0.01"/>
      <geom name="torso_geom" type="sphere" size="0.25"/>
      <body name="front_left_leg">
        <geom name="aux_1_geom" fromto="0 0 0 0.2 0.2 0"/>
        <body name="aux_1" pos="0.2 0.2 0">
          <joint name="hip_1" class="hip"/>
          <geom name="left_leg_geom" fromto="0 0 0 0.2 0.2 0"/>
          <body name="front_left_ankle" pos="0.2 0.2 0">
            <joint name="ankle_1" axis="-1 1 0" range="30 70"/>
            <geom name="left_ankle_geom" fromto="0 0 0 0.4 0.4 0"/>
          </body>
        </body>
      </body>
      <body name="front_right_leg">
        <geom name="aux_2_geom" fromto="0 0 0 -0.2 0.2 0"/>
        <body name="aux_2" pos="-0.2 0.2 0">
          <joint name="hip_2" class="hip"/>
          <geom name="right_leg_geom" fromto="0 0 0 -0.2 0.2 0"/>
          <body name="front_right_ankle" pos="-0.2 0.2 0">
            <joint name="ankle_2" axis="1 1 0" range="-70 -30"/>
            <geom name="right_ankle_geom" fromto="0 0 0 -0.4 0.4 0"/>
          </body>
        </body>
      </body>
      <body name="back_leg">
        <geom name="aux_3_geom" fromto="0 0 0 -0.2 -0.2 0"/>
        <body name="aux_3" pos="-0.2 -0.2 0">
          <joint name="hip_3" class="hip"/>
          <geom name="back_leg_geom" fromto="0 0 0 -0.2 -0.2 0"/>
          <body name="back_left_ankle" pos="-0.2 -0.2 0">
            <joint name="ankle_3" axis="-1 1 0" range="-70 -30"/>
            <geom name="third_ankle_geom" fromto="0 0 0 -0.4 -0.4 0"/>
          </body>
        </body>
      </body>
      <body name="right_back_leg">
        <geom name="aux_4_geom" fromto="0 0 0 0.2 -0.2 0"/>
        <body name="aux_4" pos="0.2 -0.2 0">
          <joint name="hip_4" class="hip"/>
          <geom name="rightback_leg_geom" fromto="0 0 0 0.2 -0.2 0"/>
          <body name="back_right_ankle" pos="0.2 -0.2 0">
            <joint name="ankle_4" axis="1 1 0" range="30 70"/>
            <geom name="fourth_ankle_geom" fromto="0 0 0 0.4 -0.4 0"/>
          </body>
        </body>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="hip_4" joint="hip_4"/>
    <motor name="ankle_4" joint="ankle_4"/>
    <motor name="hip_1" joint="hip_1"/>
    <motor name="ankle_1" joint="ankle_1"/>
    <motor name="hip_2" joint="hip_2"/>
    <motor name="ankle_2" joint="ankle_2"/>
    <motor name="hip_3" joint="hip_3"/>
    <motor name="ankle_3" joint="ankle_3"/>
  </actuator>
</mujoco>`;
