import { MATERIALS } from "./materials.ts";

/**
 * dm_control's fish, adrift in a dense medium. Gravity, contacts and joint limits are off; the drag
 * comes from all of its parts, but only those of density 1000 weigh something.
 *
 * Numbers from the compiled reference model, equal to the last bit.
 *
 * @param target Whether the target can be seen.
 */
export const fishMjcf = (target: "shown" | "hidden"): string => `
<mujoco model="fish">
  <option timestep="0.004" gravity="0 0 -9.81" integrator="Euler" density="5000">
    <flag gravity="disable" constraint="disable"/>
  </option>
  <size memory="512K"/>${MATERIALS}
  <default>
    <position ctrllimited="true" ctrlrange="-1 1"/>
    <default class="fish">
      <joint type="hinge" limited="false" range="-60 60" damping="2e-05" solreflimit="0.1 1" solimplimit="0 0.8 0.1"/>
      <geom type="ellipsoid" material="self"/>
      <default class="outside">
        <geom mass="0" material="effector"/>
      </default>
    </default>
  </default>
  <worldbody>
    <camera name="tracking_top" mode="trackcom" pos="0 0 1" xyaxes="1 0 0 0 1 0"/>
    <camera name="tracking_x" mode="trackcom" pos="-0.3 0 0.2" xyaxes="0 -1 0 0.342 0 0.94" fovy="60"/>
    <camera name="tracking_y" mode="trackcom" pos="0 -0.3 0.2" xyaxes="1 0 0 0 0.342 0.94" fovy="60"/>
    <camera name="fixed_top" pos="0 0 5.5" fovy="10"/>
    <geom name="ground" type="plane" size="0.5 0.5 0.1" material="grid"/>
    <geom name="target" type="sphere" size="0.04" pos="0 0.4 0.1" ${TARGETS[target]}/>
    <body name="torso" pos="0 0 0.1" childclass="fish">
      <camera name="eye" pos="0 0.06 0.02" xyaxes="1 0 0 0 0 1"/>
      <joint name="root" type="free" damping="0"/>
      <site name="torso" size="0.01"/>
      <geom name="eye" class="outside" size="0.008 0.012 0.008" pos="0 0.055 0.015" euler="-10 0 0" material="eye"/>
      <geom name="mouth" class="outside" type="capsule" size="0.005" fromto="0 0.079 0 0 0.07 0"/>
      <geom name="lower_mouth" class="outside" type="capsule" size="0.0045" fromto="0 0.079 -0.004 0 0.07 -0.003"/>
      <geom name="torso" class="outside" size="0.01 0.08 0.04" material="self"/>
      <geom name="back_fin" class="outside" size="0.001 0.03 0.015" pos="0 -0.03 0.03"/>
      <geom name="torso_massive" type="box" size="0.002 0.06 0.03" group="4"/>
      <body name="tail1" pos="0 -0.09 0">
        <joint name="tail1" axis="0 0 1" pos="0 0.01 0"/>
        <joint name="tail_twist" axis="0 1 0" pos="0 0.01 0" range="-30 30"/>
        <geom name="tail1" size="0.001 0.008 0.016"/>
        <body name="tail2" pos="0 -0.028 0">
          <joint name="tail2" axis="0 0 1" pos="0 0.02 0" stiffness="8e-05"/>
          <geom name="tail2" size="0.001 0.018 0.035"/>
        </body>
      </body>
      <body name="finright" pos="0.01 0 0">
        <joint name="finright_roll" axis="0 1 0"/>
        <joint name="finright_pitch" axis="1 0 0" pos="0 0.005 0"/>
        <geom name="finright" size="0.02 0.015 0.001" pos="0.015 0 0"/>
      </body>
      <body name="finleft" pos="-0.01 0 0">
        <joint name="finleft_roll" axis="0 1 0"/>
        <joint name="finleft_pitch" axis="1 0 0" pos="0 0.005 0"/>
        <geom name="finleft" size="0.02 0.015 0.001" pos="-0.015 0 0"/>
      </body>
    </body>
  </worldbody>
  <tendon>
    <fixed name="fins_flap">
      <joint joint="finleft_roll" coef="-0.5"/>
      <joint joint="finright_roll" coef="0.5"/>
    </fixed>
    <fixed name="fins_sym" stiffness="0.0001">
      <joint joint="finleft_roll" coef="0.5"/>
      <joint joint="finright_roll" coef="0.5"/>
    </fixed>
  </tendon>
  <actuator>
    <position name="tail" joint="tail1" kp="0.0005"/>
    <position name="tail_twist" joint="tail_twist" kp="0.0001"/>
    <position name="fins_flap" tendon="fins_flap" kp="0.0003"/>
    <position name="finleft_pitch" joint="finleft_pitch" kp="0.0001"/>
    <position name="finright_pitch" joint="finright_pitch" kp="0.0001"/>
  </actuator>
  <sensor>
    <velocimeter name="velocimeter" site="torso"/>
    <gyro name="gyro" site="torso"/>
  </sensor>
</mujoco>`;

const TARGETS = { shown: 'material="target"', hidden: 'rgba="0.6 0.3 0.3 0"' };
