import { MATERIALS } from "./materials.ts";

/**
 * The chain of `links` links of dm_control's swimmer domain, in a viscous plane. Nothing collides.
 *
 * Numbers from the compiled reference model of 6 links, equal to the last bit.
 *
 * @param links Head included; joints bend by 360/links degrees at most.
 */
export function swimmerMjcf(links: number): string {
  const indices = Array.from({ length: links - 1 }, (_, index) => index);
  const limit = 360 / links;
  return `
<mujoco model="swimmer">
  <option timestep="0.002" density="3000">
    <flag contact="disable"/>
  </option>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint pos="0 -0.05 0"/>
    <site size="0.01"/>
    <motor ctrllimited="true" ctrlrange="-1 1" gear="0.0005"/>
    <default class="bend">
      <joint range="${-limit} ${limit}" armature="1e-06" solreflimit="0.05 1" solimplimit="0 0.8 0.1"/>
    </default>
    <default class="inertial">
      <geom type="box" size="0.001 0.05 0.01" mass="0.01" rgba="0 0 0 0"/>
    </default>
    <default class="visual">
      <geom type="capsule" size="0.01" mass="0" material="self"/>
    </default>
  </default>
  <worldbody>
    <geom name="ground" type="plane" size="2 2 0.1" material="grid"/>
    <geom name="target" size="0.1" pos="1 1 0.05" material="target"/>
    <body name="head" pos="0 0 0.05">
${cameras(links / 6)}
      <joint name="rootx" type="slide" axis="1 0 0"/>
      <joint name="rooty" type="slide" axis="0 1 0"/>
      <joint name="rootz"/>
      <geom name="head" class="visual" type="ellipsoid" size="0.02 0.04 0.017" pos="0 -0.022 0"/>
      <geom name="nose" size="0.004" pos="0 -0.06 0" mass="0" material="effector"/>
      <geom name="eyes" type="capsule" size="0.004" fromto="-0.006 -0.054 0.005 0.006 -0.054 0.005"
            mass="0" material="eye"/>
      <geom name="inertial" class="inertial"/>
      <geom name="visual" class="visual" fromto="0 -0.05 0 0 0.05 0"/>
      <site name="head"/>
${segments(indices)}
    </body>
  </worldbody>
  <actuator>
${indices.map((i) => `    <motor name="motor_${i}" joint="joint_${i}"/>`).join("\n")}
  </actuator>
  <sensor>
    <framepos name="nose_pos" objtype="geom" objname="nose"/>
    <framepos name="target_pos" objtype="geom" objname="target"/>
    <framexaxis name="head_xaxis" objtype="xbody" objname="head"/>
    <frameyaxis name="head_yaxis" objtype="xbody" objname="head"/>
    <velocimeter name="head_vel" site="head"/>
    <gyro name="head_gyro" site="head"/>
${indices.map(motionSensors).join("\n")}
  </sensor>
</mujoco>`;
}

/** @param scale Of the tracking cameras' distance: the longer the chain, the further they stand. */
function cameras(scale: number): string {
  const at = (...position: number[]) => position.map((x) => x * scale).join(" ");
  return `      <camera name="tracking1" mode="trackcom" pos="${at(0, -0.2, 0.5)}" xyaxes="1 0 0 0 1 1"
              fovy="60"/>
      <camera name="tracking2" mode="trackcom" pos="${at(-0.9, 0.5, 0.15)}" xyaxes="0 -1 0 0.3 0 1"
              fovy="60"/>
      <camera name="eyes" pos="0 -0.058 0.005" xyaxes="-1 0 0 0 0 1"/>`;
}

/** Each hangs from the one before it. */
function segments(indices: readonly number[]): string {
  const open = (i: number) => `      <body name="segment_${i}" pos="0 0.1 0">
        <joint name="joint_${i}" class="bend"/>
        <geom name="visual_${i}" class="visual" fromto="0 -0.05 0 0 0.05 0"/>
        <geom name="inertial_${i}" class="inertial"/>
        <site name="site_${i}"/>`;
  return [...indices.map(open), ...indices.map(() => "      </body>")].join("\n");
}

function motionSensors(i: number): string {
  return `    <velocimeter name="velocimeter_${i}" site="site_${i}"/>
    <gyro name="gyro_${i}" site="site_${i}"/>`;
}
