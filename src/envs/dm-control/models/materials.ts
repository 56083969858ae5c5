/**
 * The suite's materials, as plain colours: its textures would take 11.5 MB of memory for each model.
 * They colour pictures only.
 */
export const MATERIALS = `
  <asset>
    <material name="grid" rgba="0.15 0.25 0.35 1"/>
    <material name="self" rgba="0.7 0.5 0.3 1"/>
    <material name="effector" rgba="0.7 0.4 0.2 1"/>
    <material name="decoration" rgba="0.3 0.5 0.7 1"/>
    <material name="target" rgba="0.6 0.3 0.3 1"/>
    <material name="eye" rgba="0 0.2 1 1"/>
    <material name="site" rgba="0.5 0.5 0.5 0.3"/>
  </asset>`;
