/**
 * The cart and pole of dm_control's cartpole domain. Nothing collides.
 *
 * Numbers from the compiled reference model, equal to the last bit.
 */
export const CARTPOLE_MJCF = `
<mujoco model="cartpole">
  <option timestep="0.01" gravity="0 0 -9.81" integrator="RK4">
    <flag contact="disable" energy="enable"/>
  </option>
  <size memory="512K"/>
  <worldbody>
    <geom name="floor" type="plane" size="4 4 0.2" pos="0 0 -0.05"/>
    <geom name="rail1" type="capsule" size="0.02 2" pos="0 0.07 1" zaxis="1 0 0"/>
    <geom name="rail2" type="capsule" size="0.02 2" pos="0 -0.07 1" zaxis="1 0 0"/>
    <body name="cart" pos="0 0 1">
      <joint name="slider" type="slide" axis="1 0 0" limited="true" range="-1.8 1.8" damping="0.0005" solreflimit="0.08 1"/>
      <geom name="cart" type="box" size="0.2 0.15 0.1" mass="1"/>
      <body name="pole_1">
        <joint name="hinge_1" type="hinge" axis="0 1 0" damping="2e-06"/>
        <geom name="pole_1" type="capsule" size="0.045" fromto="0 0 0 0 0 1" mass="0.1"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="slide" joint="slider" gear="10" ctrllimited="true" ctrlrange="-1 1"/>
  </actuator>
</mujoco>`;
