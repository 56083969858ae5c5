import { MATERIALS } from "./materials.ts";

function leg(suffix: string, footFriction: string): string {
  return `
      <body name="thigh${suffix}" pos="0 0 -0.19999999999999996">
        <joint name="thigh${suffix}_joint" range="-150 0"/>
        <geom name="thigh${suffix}_geom" size="0.05 0.22500000000000003"
              pos="0 0 -0.2250000000000001"/>
        <body name="leg${suffix}" pos="0 0 -0.7000000000000001">
          <joint name="leg${suffix}_joint" pos="0 0 0.25" range="-150 0"/>
          <geom name="leg${suffix}_geom" size="0.04 0.25"/>
          <body name="foot${suffix}" pos="0.2 0 -0.35">
            <joint name="foot${suffix}_joint" pos="-0.2 0 0.1" range="-45 45"/>
            <geom name="foot${suffix}_geom" size="0.06 0.1" pos="-0.1 0 0.1"
                  quat="0.7071067811865476 0 -0.7071067811865475 0" friction="${footFriction} 0.1 0.1"/>
          </body>
        </body>
      </body>`;
}

const mjcf = (rightFootFriction: string): string => `
<mujoco model="walker2d">
  <compiler angle="degree" inertiafromgeom="true"/>
  <option timestep="0.002" gravity="0 0 -9.81" integrator="RK4"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint type="hinge" axis="0 -1 0" damping="0.1" armature="0.01"/>
    <geom type="capsule" material="body" contype="1" conaffinity="0" friction="0.9 0.1 0.1"/>
    <motor ctrllimited="true" ctrlrange="-1 1" gear="100"/>
    <default class="root">
      <joint limited="false" damping="0" armature="0"/>
    </default>
  </default>
  <worldbody>
    <geom name="floor" type="plane" material="floor" size="40 40 40" conaffinity="1" friction="0.7 0.1 0.1"/>
    <body name="torso" pos="0 0 1.25">
      <camera name="track" mode="trackcom" pos="0 -3 -0.25" xyaxes="1 0 0 0 0 1"/>
      <joint name="rootx" class="root" type="slide" axis="1 0 0" pos="0 0 -1.25"/>
      <joint name="rootz" class="root" type="slide" axis="0 0 1" pos="0 0 -1.25" ref="1.25"/>
      <joint name="rooty" class="root" axis="0 1 0"/>
      <geom name="torso_geom" size="0.05 0.19999999999999996"/>${leg("", rightFootFriction)}${leg("_left", "1.9")}
    </body>
  </worldbody>
  <actuator>
    <motor name="thigh" joint="thigh_joint"/>
    <motor name="leg" joint="leg_joint"/>
    <motor name="foot" joint="foot_joint"/>
    <motor name="thigh_left" joint="thigh_left_joint"/>
    <motor name="leg_left" joint="leg_left_joint"/>
    <motor name="foot_left" joint="foot_left_joint"/>
  </actuator>
</mujoco>`;

/**
 * The planar walker of Gymnasium's Walker2d-v5.
 *
 * Numbers from the compiled reference model, equal to the last bit: 0.19999999999999996 is no typing
 * error. `rootz` reads 1.25 in the reference pose. Limbs touch the floor only.
 */
export const WALKER2D_MJCF = mjcf("1.9");

/** That of Walker2d-v4, whose right foot slips more than its left one. */
export const WALKER2D_V4_MJCF = mjcf("0.9");
