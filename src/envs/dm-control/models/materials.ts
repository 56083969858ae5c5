/**
 * The suite's materials and light, which pictures alone show. Its floor is the same squares of a metre
 * with fewer texels, and its sky, 11.5 MB for each model, is the renderer's own.
 */
export const MATERIALS = `
  <visual>
    <headlight ambient="0.4 0.4 0.4" diffuse="0.8 0.8 0.8" specular="0.1 0.1 0.1"/>
  </visual>
  <asset>
    <texture name="grid" type="2d" builtin="checker" rgb1="0.1 0.2 0.3" rgb2="0.2 0.3 0.4" width="2"
             height="2"/>
    <material name="grid" texture="grid" texrepeat="1 1" texuniform="true" reflectance="0.2"/>
    <material name="self" rgba="0.7 0.5 0.3 1"/>
    <material name="effector" rgba="0.7 0.4 0.2 1"/>
    <material name="decoration" rgba="0.3 0.5 0.7 1"/>
    <material name="target" rgba="0.6 0.3 0.3 1"/>
    <material name="eye" rgba="0 0.2 1 1"/>
    <material name="site" rgba="0.5 0.5 0.5 0.3"/>
  </asset>`;
