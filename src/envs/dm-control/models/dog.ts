import { DOG_BACK } from "./dog-back.ts";
import { DOG_FORELEGS } from "./dog-forelegs.ts";
import { DOG_NECK } from "./dog-neck.ts";
import { MATERIALS } from "./materials.ts";

/**
 * The dog of dm_control's dog domain: 38 muscles, whose pull follows the control with a lag of 0.05 s,
 * move 73 hinges; tendons bend back, neck and tail as a whole.
 *
 * The original's bones are meshes that never collide: here every body has its mass, centre of mass and
 * inertia in numbers. Equal to the compiled reference model to the last bit.
 *
 * @param floorSize Half the side of the floor in metres.
 */
export const dogMjcf = (floorSize: number): string => `
<mujoco model="dog">
  <compiler angle="radian"/>
  <option timestep="0.005" noslip_iterations="4"/>
  <size memory="1M"/>${MATERIALS}
  <default>
    <joint armature="0.0001" solreflimit="0.01 1" solimplimit="0.9 0.99 0.01"/>
    <geom type="capsule" condim="1" friction="0.9" solref="0.01 1" solimp="0.95 0.99 0.001"
          material="self"/>
    <general ctrllimited="true" ctrlrange="-1 1" dyntype="filter" dynprm="0.05"/>
    <site size="0.005"/>
    <default class="lumbar">
      <joint pos="0.012 0 0.01" damping="3" armature="0.01"/>
    </default>
    <default class="cervical">
      <joint stiffness="4" damping="3" armature="0.01"/>
    </default>
    <default class="hip">
      <joint stiffness="5" damping="0.5" armature="0.01"/>
    </default>
    <default class="scapula">
      <joint stiffness="10" damping="1.5"/>
    </default>
    <default class="shoulder">
      <joint stiffness="5" damping="1"/>
    </default>
    <default class="trunk">
      <geom type="sphere" conaffinity="0"/>
    </default>
    <default class="anchor">
      <geom type="box" size="0.005 0.005 0.005" contype="0" conaffinity="0"
            solimp="0.9 0.95 0.001 0.5 2" rgba="0 0 0 0"/>
    </default>
    <default class="tip">
      <geom solimp="0.9 0.95 0.001 0.5 2"/>
    </default>
    <default class="eye">
      <geom type="ellipsoid" contype="0" conaffinity="0" condim="3" material="eye"/>
    </default>
    <default class="tooth">
      <geom type="ellipsoid" condim="6" priority="2" friction="0.5 0.01 0.01"/>
    </default>
  </default>
  <worldbody>
    <geom name="floor" type="plane" size="${floorSize} ${floorSize} 0.1" condim="3" material="grid"/>
    <body name="torso" pos="0.040403 0 0.41522">
      <camera name="y-axis" mode="trackcom" pos="0 -1.5 0.8" xyaxes="1 0 0 0 0.6 1"/>
      <camera name="x-axis" mode="trackcom" pos="2 0 0.5" xyaxes="0 1 0 -0.3 0 1"/>
      <inertial mass="2.6757659178332736" pos="-1.5426e-07 0 2.4738e-07"
                quat="0.45516936012336334 0.5411292392810502 0.5411292392810502 0.45516936012336334"
                diaginertia="0.026026 0.023326 0.011595"/>
      <freejoint name="root"/>
      <geom name="collision_torso" class="trunk" type="ellipsoid" size="0.2 0.09 0.11"
            quat="0.9961946980917455 0 0.08715574274765817 0"/>
${DOG_BACK}
${DOG_NECK}
${DOG_FORELEGS}
    </body>
  </worldbody>
  <contact>
    <exclude body1="torso" body2="upper_arm_L"/>
    <exclude body1="torso" body2="lower_arm_L"/>
    <exclude body1="torso" body2="upper_arm_R"/>
    <exclude body1="torso" body2="lower_arm_R"/>
    <exclude body1="pelvis" body2="lower_leg_L"/>
    <exclude body1="pelvis" body2="lower_leg_R"/>
    <exclude body1="pelvis" body2="Ca_2"/>
    <exclude body1="pelvis" body2="Ca_3"/>
    <exclude body1="upper_leg_L" body2="foot_L"/>
    <exclude body1="upper_leg_L" body2="upper_leg_R"/>
    <exclude body1="upper_leg_R" body2="foot_R"/>
    <exclude body1="Ca_1" body2="Ca_3"/>
    <exclude body1="Ca_2" body2="Ca_4"/>
    <exclude body1="Ca_3" body2="Ca_5"/>
    <exclude body1="Ca_4" body2="Ca_6"/>
    <exclude body1="C_7" body2="scapula_L"/>
    <exclude body1="C_7" body2="upper_arm_L"/>
    <exclude body1="C_7" body2="scapula_R"/>
    <exclude body1="C_7" body2="upper_arm_R"/>
    <exclude body1="C_6" body2="scapula_L"/>
    <exclude body1="C_6" body2="upper_arm_L"/>
    <exclude body1="C_6" body2="scapula_R"/>
    <exclude body1="C_6" body2="upper_arm_R"/>
    <exclude body1="C_5" body2="scapula_L"/>
    <exclude body1="C_5" body2="upper_arm_L"/>
    <exclude body1="C_5" body2="scapula_R"/>
    <exclude body1="C_5" body2="upper_arm_R"/>
    <exclude body1="C_4" body2="scapula_L"/>
    <exclude body1="C_4" body2="scapula_R"/>
    <exclude body1="C_1" body2="jaw"/>
  </contact>
  <tendon>
    <fixed name="lumbar_extend">
      <joint joint="L_1_extend" coef="1.0887906214976453"/>
      <joint joint="L_3_extend" coef="1.0287221260745385"/>
      <joint joint="L_5_extend" coef="0.9678084616051313"/>
      <joint joint="L_7_extend" coef="0.9146787908226849"/>
    </fixed>
    <fixed name="lumbar_bend">
      <joint joint="L_1_bend" coef="1.1360135211286146"/>
      <joint joint="L_3_bend" coef="1.0490053091600777"/>
      <joint joint="L_5_bend" coef="0.9555458104917836"/>
      <joint joint="L_7_bend" coef="0.8594353592195243"/>
    </fixed>
    <fixed name="lumbar_twist">
      <joint joint="L_2_twist" coef="1.0007967860214304"/>
      <joint joint="L_4_twist" coef="0.9996855391691534"/>
      <joint joint="L_6_twist" coef="0.9995176748094166"/>
    </fixed>
    <fixed name="cervical_extend">
      <joint joint="C_7_extend" coef="1.1651729548786316"/>
      <joint joint="C_5_extend" coef="1.0638262565660335"/>
      <joint joint="C_3_extend" coef="0.9279175112069821"/>
      <joint joint="C_1_extend" coef="0.8430832773483526"/>
    </fixed>
    <fixed name="cervical_bend">
      <joint joint="C_7_bend" coef="1.1032094508820511"/>
      <joint joint="C_5_bend" coef="1.1151582521827508"/>
      <joint joint="C_3_bend" coef="0.9257028175303736"/>
      <joint joint="C_1_bend" coef="0.8559294794048242"/>
    </fixed>
    <fixed name="cervical_twist">
      <joint joint="C_6_twist" coef="1.0490139787418138"/>
      <joint joint="C_4_twist" coef="0.9679313738406048"/>
      <joint joint="C_2_twist" coef="0.9830546474175812"/>
    </fixed>
    <fixed name="caudal_extend">
      <joint joint="Ca_1_extend" coef="1.4175697632800168"/>
      <joint joint="Ca_3_extend" coef="1.3533291916469086"/>
      <joint joint="Ca_5_extend" coef="1.2905602895468757"/>
      <joint joint="Ca_7_extend" coef="1.1963357977448668"/>
      <joint joint="Ca_9_extend" coef="1.0882282181745322"/>
      <joint joint="Ca_11_extend" coef="0.9549416058705948"/>
      <joint joint="Ca_13_extend" coef="0.839068010247595"/>
      <joint joint="Ca_15_extend" coef="0.7575627896787993"/>
      <joint joint="Ca_17_extend" coef="0.71516710400689"/>
      <joint joint="Ca_19_extend" coef="0.6955591082173007"/>
      <joint joint="Ca_21_extend" coef="0.6916781215856203"/>
    </fixed>
    <fixed name="caudal_bend">
      <joint joint="Ca_2_bend" coef="1.3236846643142188"/>
      <joint joint="Ca_4_bend" coef="1.3130782401287662"/>
      <joint joint="Ca_6_bend" coef="1.2679178338493764"/>
      <joint joint="Ca_8_bend" coef="1.170681278111726"/>
      <joint joint="Ca_10_bend" coef="1.0404777760545052"/>
      <joint joint="Ca_12_bend" coef="0.9053320718072471"/>
      <joint joint="Ca_14_bend" coef="0.8040064645300866"/>
      <joint joint="Ca_16_bend" coef="0.7475697729484704"/>
      <joint joint="Ca_18_bend" coef="0.7188107117102569"/>
      <joint joint="Ca_20_bend" coef="0.7084411865453454"/>
    </fixed>
  </tendon>
  <actuator>
    <general name="lumbar_extend" tendon="lumbar_extend" gainprm="60"/>
    <general name="lumbar_bend" tendon="lumbar_bend" gainprm="40"/>
    <general name="lumbar_twist" tendon="lumbar_twist" gainprm="40"/>
    <general name="cervical_extend" tendon="cervical_extend" gainprm="20"/>
    <general name="cervical_bend" tendon="cervical_bend" gainprm="20"/>
    <general name="cervical_twist" tendon="cervical_twist" gainprm="14"/>
    <general name="caudal_extend" tendon="caudal_extend" gainprm="0.5"/>
    <general name="caudal_bend" tendon="caudal_bend" gainprm="0.5"/>
    <general name="hip_L_supinate" joint="hip_L_supinate" gainprm="10"/>
    <general name="hip_L_abduct" joint="hip_L_abduct" gainprm="10"/>
    <general name="hip_L_extend" joint="hip_L_extend" gainprm="40"/>
    <general name="knee_L" joint="knee_L" gainprm="30"/>
    <general name="ankle_L" joint="ankle_L" gainprm="20"/>
    <general name="toe_L" joint="toe_L" gainprm="2"/>
    <general name="hip_R_supinate" joint="hip_R_supinate" gainprm="10"/>
    <general name="hip_R_abduct" joint="hip_R_abduct" gainprm="10"/>
    <general name="hip_R_extend" joint="hip_R_extend" gainprm="40"/>
    <general name="knee_R" joint="knee_R" gainprm="30"/>
    <general name="ankle_R" joint="ankle_R" gainprm="20"/>
    <general name="toe_R" joint="toe_R" gainprm="2"/>
    <general name="atlas" joint="atlas" gainprm="10"/>
    <general name="mandible" joint="mandible" gainprm="3"/>
    <general name="scapula_L_supinate" joint="scapula_L_supinate" gainprm="30"/>
    <general name="scapula_L_abduct" joint="scapula_L_abduct" gainprm="30"/>
    <general name="scapula_L_extend" joint="scapula_L_extend" gainprm="30"/>
    <general name="shoulder_L_supinate" joint="shoulder_L_supinate" gainprm="30"/>
    <general name="shoulder_L_extend" joint="shoulder_L_extend" gainprm="30"/>
    <general name="elbow_L" joint="elbow_L" gainprm="20"/>
    <general name="wrist_L" joint="wrist_L" gainprm="10"/>
    <general name="finger_L" joint="finger_L" gainprm="2"/>
    <general name="scapula_R_supinate" joint="scapula_R_supinate" gainprm="30"/>
    <general name="scapula_R_abduct" joint="scapula_R_abduct" gainprm="30"/>
    <general name="scapula_R_extend" joint="scapula_R_extend" gainprm="30"/>
    <general name="shoulder_R_supinate" joint="shoulder_R_supinate" gainprm="30"/>
    <general name="shoulder_R_extend" joint="shoulder_R_extend" gainprm="30"/>
    <general name="elbow_R" joint="elbow_R" gainprm="20"/>
    <general name="wrist_R" joint="wrist_R" gainprm="10"/>
    <general name="finger_R" joint="finger_R" gainprm="2"/>
  </actuator>
  <sensor>
    <accelerometer name="accelerometer" site="head"/>
    <velocimeter name="velocimeter" site="head"/>
    <gyro name="gyro" site="head"/>
    <subtreelinvel name="torso_linvel" body="torso"/>
    <subtreeangmom name="torso_angmom" body="torso"/>
    <touch name="palm_L" site="palm_L"/>
    <touch name="palm_R" site="palm_R"/>
    <touch name="sole_L" site="sole_L"/>
    <touch name="sole_R" site="sole_R"/>
    <force name="foot_L" site="foot_anchor_L"/>
    <force name="foot_R" site="foot_anchor_R"/>
    <force name="hand_L" site="hand_anchor_L"/>
    <force name="hand_R" site="hand_anchor_R"/>
  </sensor>
</mujoco>`;
