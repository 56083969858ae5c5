import { MATERIALS } from "./materials.ts";

/**
 * dm_control's two-link finger beside a spinner. Gravity is off.
 *
 * Numbers from the compiled reference model, equal to the last bit.
 *
 * @param target Whether the target and the tip that has to reach it can be seen.
 */
export const fingerMjcf = (target: "shown" | "hidden"): string => `
<mujoco model="finger">
  <option timestep="0.01" gravity="0 0 -9.81" integrator="Euler" cone="elliptic" iterations="200">
    <flag gravity="disable"/>
  </option>
  <size memory="512K"/>${MATERIALS}
  <default>
    <geom solimp="0 0.9 0.01"/>
    <joint type="hinge" axis="0 -1 0"/>
    <motor ctrllimited="true" ctrlrange="-1 1"/>
    <default class="finger">
      <joint damping="2.5" limited="true" range="-110 110"/>
      <geom type="capsule" material="self"/>
      <site type="ellipsoid" size="0.025 0.03 0.025" group="3"/>
    </default>
    <default class="goal">
      <site type="sphere" rgba="0.6 0.3 0.3 ${target === "shown" ? 1 : 0}"/>
    </default>
  </default>
  <worldbody>
    <camera name="cam0" pos="0 -1 0.8" xyaxes="1 0 0 0 1 2"/>
    <camera name="cam1" pos="0 -1 0.4" xyaxes="1 0 0 0 0 1"/>
    <geom name="ground" type="plane" size="0.6 0.2 10" material="grid"/>
    <body name="proximal" pos="-0.2 0 0.4" childclass="finger">
      <joint name="proximal" ref="-90"/>
      <geom name="proximal_decoration" type="cylinder" size="0.034" fromto="0 -0.033 0 0 0.033 0" material="decoration"/>
      <geom name="proximal" size="0.03" fromto="0 0 0 0 0 -0.17"/>
      <body name="distal" pos="0 0 -0.18">
        <joint name="distal"/>
        <geom name="distal" size="0.028" fromto="0 0 0 0 0 -0.16" contype="0" conaffinity="0"/>
        <geom name="fingertip" size="0.03" fromto="0 0 -0.13 0 0 -0.161" material="effector"/>
        <site name="touchtop" pos="0.01 0 -0.17"/>
        <site name="touchbottom" pos="-0.01 0 -0.17"/>
      </body>
    </body>
    <body name="spinner" pos="0.2 0 0.4">
      <joint name="hinge" damping="0.5" frictionloss="0.1"/>
      <geom name="cap1" type="capsule" size="0.04 0.09" pos="0.02 0 0" material="self"/>
      <geom name="cap2" type="capsule" size="0.04 0.09" pos="-0.02 0 0" material="self"/>
      <geom name="spinner_decoration" type="cylinder" size="0.02" fromto="0 -0.045 0 0 0.045 0" material="decoration"/>
      <site name="tip" class="goal" size="0.02" pos="0 0 0.13"/>
    </body>
    <site name="target" class="goal" size="0.03" pos="0 0 0.4"/>
  </worldbody>
  <actuator>
    <motor name="proximal" joint="proximal" gear="30"/>
    <motor name="distal" joint="distal" gear="15"/>
  </actuator>
  <sensor>
    <jointpos name="proximal" joint="proximal"/>
    <jointpos name="distal" joint="distal"/>
    <jointvel name="proximal_velocity" joint="proximal"/>
    <jointvel name="distal_velocity" joint="distal"/>
    <jointvel name="hinge_velocity" joint="hinge"/>
    <framepos name="tip" objtype="site" objname="tip"/>
    <framepos name="target" objtype="site" objname="target"/>
    <framepos name="spinner" objtype="xbody" objname="spinner"/>
    <touch name="touchtop" site="touchtop"/>
    <touch name="touchbottom" site="touchbottom"/>
    <framepos name="touchtop_pos" objtype="site" objname="touchtop"/>
    <framepos name="touchbottom_pos" objtype="site" objname="touchbottom"/>
  </sensor>
</mujoco>`;
