/**
 * Materials and light of Gymnasium's models, which pictures alone show: bodies of one colour over squares of
 * a metre, with a fraction of the original textures' size.
 */
export const MATERIALS = `
  <visual>
    <headlight ambient="0.4 0.4 0.4" diffuse="0.8 0.8 0.8" specular="0.1 0.1 0.1"/>
  </visual>
  <asset>
    <texture name="floor" type="2d" builtin="checker" rgb1="0.25 0.3 0.35" rgb2="0.4 0.45 0.5"
             width="2" height="2"/>
    <material name="floor" texture="floor" texrepeat="1 1" texuniform="true"/>
    <material name="body" rgba="0.8 0.6 0.4 1"/>
    <material name="target" rgba="0.9 0.3 0.3 1"/>
    <material name="effector" rgba="0.1 0.5 0.7 1"/>
  </asset>`;
