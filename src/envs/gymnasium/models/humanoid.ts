import { MATERIALS } from "./materials.ts";

/** Where the parts of the humanoid's body are in the model's reference pose; MJCF vectors. */
interface Pose {
  readonly name: string;
  readonly camera: string;
  readonly torso: string;
  readonly head: string;
  readonly upperWaist: string;
  readonly lowerWaist: string;
  readonly pelvis: string;
  /** Height of the hips in the pelvis. */
  readonly hipZ: string;
  /** From the hip to the end of the thigh's capsule, without y. */
  readonly thigh: { readonly x: string; readonly z: string };
  readonly shin: { readonly x: string; readonly z: string };
  readonly shinCapsule: string;
  readonly foot: string;
  readonly leftHipRange: string;
}

const STANDING: Pose = {
  name: "humanoid",
  camera: "0 -4 0",
  torso: "0 0 1.4",
  head: "0 0 0.19",
  upperWaist: "-0.01 -0.06 -0.12 -0.01 0.06 -0.12",
  lowerWaist: "-0.01 0 -0.26",
  pelvis: "0 0 -0.165",
  hipZ: "-0.04",
  thigh: { x: "0", z: "-0.34" },
  shin: { x: "0", z: "-0.403" },
  shinCapsule: "0 0 -0.3",
  foot: "0 0 -0.45",
  leftHipRange: "-110 20",
};

const LYING: Pose = {
  name: "humanoidstandup",
  camera: "0 -3 0.5",
  torso: "0 0 0.105",
  head: "-0.15 0 0",
  upperWaist: "0.11 -0.06 0 0.11 0.06 0",
  lowerWaist: "0.21 0 0",
  pelvis: "0.165 0 0",
  hipZ: "0",
  thigh: { x: "0.34", z: "0" },
  shin: { x: "0.403", z: "0" },
  shinCapsule: "0.3 0 0",
  foot: "0.35 0 -0.1",
  leftHipRange: "-120 20",
};

const bodies = (pose: Pose): string => `
    <body name="torso" pos="${pose.torso}">
      <camera name="track" mode="trackcom" pos="${pose.camera}" xyaxes="1 0 0 0 0 1"/>
      <joint name="root" type="free" limited="false" damping="0" armature="0" stiffness="0"/>
      <geom name="torso1" size="0.07" fromto="0 -0.07 0 0 0.07 0"/>
      <geom name="head" type="sphere" size="0.09" pos="${pose.head}"/>
      <geom name="uwaist" size="0.06" fromto="${pose.upperWaist}"/>
      <body name="lwaist" pos="${pose.lowerWaist}" quat="1 0 -0.002 0">
        <joint name="abdomen_z" class="abdomen" axis="0 0 1" pos="0 0 0.065" range="-45 45" stiffness="20"/>
        <joint name="abdomen_y" class="abdomen" axis="0 1 0" pos="0 0 0.065" range="-75 30"/>
        <geom name="lwaist" size="0.06" fromto="0 -0.06 0 0 0.06 0"/>
        <body name="pelvis" pos="${pose.pelvis}" quat="1 0 -0.002 0">
          <joint name="abdomen_x" class="abdomen" axis="1 0 0" pos="0 0 0.1" range="-35 35"/>
          <geom name="butt" size="0.09" fromto="-0.02 -0.07 0 -0.02 0.07 0"/>
          <body name="right_thigh" pos="0 -0.1 ${pose.hipZ}">
            <joint name="right_hip_x" class="hip" axis="1 0 0" range="-25 5"/>
            <joint name="right_hip_z" class="hip" axis="0 0 1" range="-60 35"/>
            <joint name="right_hip_y" class="hip" axis="0 1 0" range="-110 20" stiffness="20" armature="0.008"/>
            <geom name="right_thigh1" size="0.06" fromto="0 0 0 ${pose.thigh.x} 0.01 ${pose.thigh.z}"/>
            <body name="right_shin" pos="${pose.shin.x} 0.01 ${pose.shin.z}">
              <joint name="right_knee" class="knee" stiffness="0"/>
              <geom name="right_shin1" size="0.049" fromto="0 0 0 ${pose.shinCapsule}"/>
              <body name="right_foot" pos="${pose.foot}">
                <geom name="right_foot" type="sphere" size="0.075" pos="0 0 0.1"/>
              </body>
            </body>
          </body>
          <body name="left_thigh" pos="0 0.1 ${pose.hipZ}">
            <joint name="left_hip_x" class="hip" axis="-1 0 0" range="-25 5"/>
            <joint name="left_hip_z" class="hip" axis="0 0 -1" range="-60 35"/>
            <joint name="left_hip_y" class="hip" axis="0 1 0" range="${pose.leftHipRange}" stiffness="20"/>
            <geom name="left_thigh1" size="0.06" fromto="0 0 0 ${pose.thigh.x} -0.01 ${pose.thigh.z}"/>
            <body name="left_shin" pos="${pose.shin.x} -0.01 ${pose.shin.z}">
              <joint name="left_knee" class="knee"/>
              <geom name="left_shin1" size="0.049" fromto="0 0 0 ${pose.shinCapsule}"/>
              <body name="left_foot" pos="${pose.foot}">
                <geom name="left_foot" type="sphere" size="0.075" pos="0 0 0.1"/>
              </body>
            </body>
          </body>
        </body>
      </body>
      <body name="right_upper_arm" pos="0 -0.17 0.06">
        <joint name="right_shoulder1" axis="2 1 1" range="-85 60" armature="0.0068"/>
        <joint name="right_shoulder2" axis="0 -1 1" range="-85 60" armature="0.0051"/>
        <geom name="right_uarm1" size="0.04 0.16" fromto="0 0 0 0.16 -0.16 -0.16"/>
        <body name="right_lower_arm" pos="0.18 -0.18 -0.18">
          <camera name="hand"/>
          <joint name="right_elbow" class="elbow" axis="0 -1 1"/>
          <geom name="right_larm" size="0.031" fromto="0.01 0.01 0.01 0.17 0.17 0.17"/>
          <geom name="right_hand" type="sphere" size="0.04" pos="0.18 0.18 0.18"/>
        </body>
      </body>
      <body name="left_upper_arm" pos="0 0.17 0.06">
        <joint name="left_shoulder1" axis="2 -1 1" range="-60 85" armature="0.0068"/>
        <joint name="left_shoulder2" axis="0 1 1" range="-60 85" armature="0.0051"/>
        <geom name="left_uarm1" size="0.04 0.16" fromto="0 0 0 0.16 0.16 -0.16"/>
        <body name="left_lower_arm" pos="0.18 0.18 -0.18">
          <joint name="left_elbow" class="elbow" axis="0 -1 -1"/>
          <geom name="left_larm" size="0.031" fromto="0.01 -0.01 0.01 0.17 -0.17 0.17"/>
          <geom name="left_hand" type="sphere" size="0.04" pos="0.18 -0.18 0.18"/>
        </body>
      </body>
    </body>`;

const DEFAULTS = `
  <default>
    <joint type="hinge" stiffness="1" damping="1"/>
    <geom type="capsule" material="body" condim="1" contype="1" conaffinity="1" margin="0.001"/>
    <motor ctrllimited="true" ctrlrange="-0.4 0.4" gear="100"/>
    <default class="abdomen">
      <joint stiffness="10" damping="5" armature="0.02"/>
    </default>
    <default class="hip">
      <joint stiffness="10" damping="5" armature="0.01"/>
    </default>
    <default class="knee">
      <joint axis="0 -1 0" pos="0 0 0.02" range="-160 -2" armature="0.006"/>
    </default>
    <default class="elbow">
      <joint range="-90 50" stiffness="0" armature="0.0028"/>
    </default>
    <default class="arm">
      <motor gear="25"/>
    </default>
  </default>`;

/** The actuators' order differs from that of the joints: y, z, x in the abdomen. */
const DRIVES = `
  <tendon>
    <fixed name="left_hipknee">
      <joint joint="left_hip_y" coef="-1"/>
      <joint joint="left_knee" coef="1"/>
    </fixed>
    <fixed name="right_hipknee">
      <joint joint="right_hip_y" coef="-1"/>
      <joint joint="right_knee" coef="1"/>
    </fixed>
  </tendon>
  <actuator>
    <motor name="abdomen_y" joint="abdomen_y"/>
    <motor name="abdomen_z" joint="abdomen_z"/>
    <motor name="abdomen_x" joint="abdomen_x"/>
    <motor name="right_hip_x" joint="right_hip_x"/>
    <motor name="right_hip_z" joint="right_hip_z"/>
    <motor name="right_hip_y" joint="right_hip_y" gear="300"/>
    <motor name="right_knee" joint="right_knee" gear="200"/>
    <motor name="left_hip_x" joint="left_hip_x"/>
    <motor name="left_hip_z" joint="left_hip_z"/>
    <motor name="left_hip_y" joint="left_hip_y" gear="300"/>
    <motor name="left_knee" joint="left_knee" gear="200"/>
    <motor name="right_shoulder1" class="arm" joint="right_shoulder1"/>
    <motor name="right_shoulder2" class="arm" joint="right_shoulder2"/>
    <motor name="right_elbow" class="arm" joint="right_elbow"/>
    <motor name="left_shoulder1" class="arm" joint="left_shoulder1"/>
    <motor name="left_shoulder2" class="arm" joint="left_shoulder2"/>
    <motor name="left_elbow" class="arm" joint="left_elbow"/>
  </actuator>`;

const mjcf = (pose: Pose): string => `
<mujoco model="${pose.name}">
  <compiler angle="degree" inertiafromgeom="true"/>
  <option timestep="0.003" gravity="0 0 -9.81" integrator="RK4" solver="PGS" iterations="50"/>
  <size memory="512K"/>${MATERIALS}${DEFAULTS}
  <worldbody>
    <geom name="floor" type="plane" material="floor" size="20 20 0.125" condim="3" friction="1 0.1 0.1"/>${bodies(pose)}
  </worldbody>${DRIVES}
</mujoco>`;

/**
 * The humanoid of Gymnasium's Humanoid-v5 and v4.
 *
 * Numbers from the compiled reference model, equal to the last bit. Its asymmetries are the reference's:
 * the left knee has a spring, the right hip less armature. Limbs also touch each other, parents and
 * children excepted; the tendons pull nothing.
 */
export const HUMANOID_MJCF = mjcf(STANDING);

/** The same body lying on its back, of HumanoidStandup-v5 and v4. */
export const HUMANOID_STANDUP_MJCF = mjcf(LYING);
