import { MATERIALS } from "./materials.ts";

/**
 * The four-legged robot of dm_control's quadruped domain. Servos with a lag of 0.1 s turn, lift and
 * extend each leg; tendons couple the joints that one of them moves.
 *
 * Numbers from the compiled reference models, equal to the last bit.
 *
 * @param floorSize Half the side of the floor in metres.
 */
export function quadrupedMjcf(floorSize: number): string {
  return `
<mujoco model="quadruped">
  <option timestep="0.005"/>
  <size memory="512K"/>${MATERIALS}
  <default>
    <joint axis="0 1 0" damping="30" armature="0.01" solimplimit="0 0.99 0.01"/>
    <geom type="capsule" condim="1" solref="0.01 1" solimp="0.9 0.99 0.003" material="self"/>
    <general gainprm="1000" biasprm="0 -1000" biastype="affine" dyntype="filter" dynprm="0.1"/>
    <default class="leg">
      <geom density="500"/>
    </default>
    <default class="coupling">
      <equality solref="0.005 0.5" solimp="0.95 0.99 0.01"/>
    </default>
  </default>
  <worldbody>
    <camera name="global" mode="trackcom" pos="-10 10 10" xyaxes="-1 -1 0 1 0 1"/>
    <geom name="floor" type="plane" size="${floorSize} ${floorSize} 0.5" condim="3"
          material="grid"/>
    <body name="torso" pos="0 0 0.57">
      <camera name="x" mode="trackcom" pos="-1.7 0 1" xyaxes="0 -1 0 0.75 0 1"/>
      <camera name="y" mode="trackcom" pos="0 4 2" xyaxes="-1 0 0 0 -0.5 1"/>
      <camera name="egocentric" pos="0.3 0 0.11" xyaxes="0 -1 0 0.4 0 1" fovy="60"/>
      <freejoint name="root"/>
      <geom name="eye_r" type="cylinder" size="0.05" fromto="0.1 -0.07 0.12 0.31 -0.07 0.08" mass="0"/>
      <geom name="eye_l" type="cylinder" size="0.05" fromto="0.1 0.07 0.12 0.31 0.07 0.08" mass="0"/>
      <geom name="torso" type="ellipsoid" size="0.3 0.27 0.2"/>
      <site name="pupil_r" size="0.033" pos="0.3 -0.07 0.08" zaxis="1 0 0"/>
      <site name="pupil_l" size="0.033" pos="0.3 0.07 0.08" zaxis="1 0 0"/>
      <site name="workspace" size="0.3 0.3 0.3" pos="0.8 0 -0.2" group="3"/>
      <site name="torso_touch" type="box" size="0.26 0.26 0.26"/>
      <site name="torso" size="0.05"/>
${LEGS.map(body).join("\n")}
    </body>
  </worldbody>
  <tendon>
${[...LEGS.map(couplingTendon), ...LEGS.map(drivenTendons)].join("\n")}
  </tendon>
  <equality>
${LEGS.map(coupling).join("\n")}
  </equality>
  <actuator>
${LEGS.map(servos).join("\n")}
  </actuator>
  <sensor>
    <accelerometer name="imu_accel" site="torso"/>
    <gyro name="imu_gyro" site="torso"/>
    <velocimeter name="velocimeter" site="torso"/>
${LEGS.map(({ leg }) => `    <force name="force_toe_${leg}" site="toe_${leg}"/>`).join("\n")}
${LEGS.map(({ leg }) => `    <torque name="torque_toe_${leg}" site="toe_${leg}"/>`).join("\n")}
    <subtreecom name="center_of_mass" body="torso"/>
  </sensor>
</mujoco>`;
}

interface Leg {
  readonly leg: string;
  /** Of the hip, on the torso. */
  readonly pos: string;
  /** The direction the leg stands out, in degrees from straight ahead. */
  readonly yaw: number;
}

/** In the order of controls and sensors. */
const LEGS: readonly Leg[] = [
  { leg: "front_left", pos: "0.2 0.2 0", yaw: 45 },
  { leg: "front_right", pos: "0.2 -0.2 0", yaw: -45 },
  { leg: "back_right", pos: "-0.2 -0.2 0", yaw: -135 },
  { leg: "back_left", pos: "-0.2 0.2 0", yaw: 135 },
];

const body = ({
  leg,
  pos,
  yaw,
}: Leg) => `      <body name="hip_${leg}" pos="${pos}" euler="0 0 ${yaw}" childclass="leg">
        <joint name="yaw_${leg}" axis="0 0 1" range="-50 50"/>
        <joint name="pitch_${leg}" range="-20 60"/>
        <geom name="thigh_${leg}" size="0.08" fromto="0 0 0 0.3 0 0.11"/>
        <body name="knee_${leg}" pos="0.3 0 0.11">
          <joint name="knee_${leg}" range="-60 50"/>
          <geom name="shin_${leg}" size="0.065" fromto="0 0 0 0.25 0 -0.25"/>
          <body name="ankle_${leg}" pos="0.25 0 -0.25">
            <joint name="ankle_${leg}" range="-45 55"/>
            <geom name="foot_${leg}" size="0.055" fromto="0 0 0 0 0 -0.25"/>
            <body name="toe_${leg}" pos="0 0 -0.3">
              <geom name="toe_${leg}" type="sphere" size="0.08" friction="1.5 0.005 0.0001"
                    material="effector"/>
              <site name="toe_${leg}" size="0.084" group="4"/>
            </body>
          </body>
        </body>
      </body>`;

/** Its length is kept: the toe moves up and down, or out and in. */
const couplingTendon = ({ leg }: Leg) => `    <fixed name="coupling_${leg}">
      <joint joint="pitch_${leg}" coef="0.333"/>
      <joint joint="knee_${leg}" coef="0.333"/>
      <joint joint="ankle_${leg}" coef="0.333"/>
    </fixed>`;

const drivenTendons = ({ leg }: Leg) => `    <fixed name="extend_${leg}">
      <joint joint="pitch_${leg}" coef="0.25"/>
      <joint joint="knee_${leg}" coef="-0.5"/>
      <joint joint="ankle_${leg}" coef="0.25"/>
    </fixed>
    <fixed name="lift_${leg}">
      <joint joint="pitch_${leg}" coef="0.5"/>
      <joint joint="ankle_${leg}" coef="-0.5"/>
    </fixed>`;

const coupling = ({ leg }: Leg) =>
  `    <tendon name="coupling_${leg}" tendon1="coupling_${leg}" class="coupling"/>`;

const servos = ({
  leg,
}: Leg) => `    <general name="yaw_${leg}" joint="yaw_${leg}" ctrllimited="true" ctrlrange="-1 1"/>
    <general name="lift_${leg}" tendon="lift_${leg}" ctrllimited="true" ctrlrange="-1 1.1"/>
    <general name="extend_${leg}" tendon="extend_${leg}" ctrllimited="true" ctrlrange="-0.8 0.8"/>`;
