import { MATERIALS } from "./materials.ts";

/**
 * The planar hopper of Gymnasium's Hopper-v5.
 *
 * Numbers from the compiled reference model, equal to the last bit: 0.19999999999999996 is no typing
 * error. `rootz` reads 1.25 in the reference pose. Limbs also touch each other, parents and children excepted.
 */
export const HOPPER_MJCF = `
<mujoco model="hopper">
  <compiler angle="degree" inertiafromgeom="true"/>
  <option timestep="0.002" gravity="0 0 -9.81" integrator="RK4"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint type="hinge" axis="0 -1 0" damping="1" armature="1"/>
    <geom type="capsule" material="body" condim="1" contype="1" conaffinity="1" margin="0.001"
          friction="0.9 0.005 0.0001" solimp="0.8 0.8 0.01"/>
    <motor ctrllimited="true" ctrlrange="-1 1" gear="200"/>
    <default class="root">
      <joint limited="false" damping="0" armature="0"/>
    </default>
  </default>
  <worldbody>
    <geom name="floor" type="plane" material="floor" size="20 20 0.125" condim="3" friction="1 0.005 0.0001"/>
    <body name="torso" pos="0 0 1.25">
      <camera name="track" mode="trackcom" pos="0 -3 -0.25" xyaxes="1 0 0 0 0 1"/>
      <joint name="rootx" class="root" type="slide" axis="1 0 0" pos="0 0 -1.25"/>
      <joint name="rootz" class="root" type="slide" axis="0 0 1" pos="0 0 -1.25" ref="1.25"/>
      <joint name="rooty" class="root" axis="0 1 0"/>
      <geom name="torso_geom" size="0.05 0.19999999999999996"/>
      <body name="thigh" pos="0 0 -0.19999999999999996">
        <joint name="thigh_joint" range="-150 0"/>
        <geom name="thigh_geom" size="0.05 0.22500000000000003" pos="0 0 -0.2250000000000001"/>
        <body name="leg" pos="0 0 -0.7000000000000001">
          <joint name="leg_joint" pos="0 0 0.25" range="-150 0"/>
          <geom name="leg_geom" size="0.04 0.25"/>
          <body name="foot" pos="0.13 0 -0.35">
            <joint name="foot_joint" pos="-0.13 0 0.1" range="-45 45"/>
            <geom name="foot_geom" size="0.06 0.195" pos="-0.065 0 0.1"
                  quat="0.7071067811865476 0 -0.7071067811865475 0" friction="2 0.005 0.0001"/>
          </body>
        </body>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="thigh" joint="thigh_joint"/>
    <motor name="leg" joint="leg_joint"/>
    <motor name="foot" joint="foot_joint"/>
  </actuator>
</mujoco>`;
