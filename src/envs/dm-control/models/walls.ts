/** The walls, 0.6 m apart, between which the reacher and the point mass move. */
export const WALLS = `
    <geom name="wall_x" type="plane" size="0.02 0.3 0.02" pos="-0.3 0 0.02" zaxis="1 0 0" material="decoration"/>
    <geom name="wall_y" type="plane" size="0.3 0.02 0.02" pos="0 -0.3 0.02" zaxis="0 1 0" material="decoration"/>
    <geom name="wall_neg_x" type="plane" size="0.02 0.3 0.02" pos="0.3 0 0.02" zaxis="-1 0 0" material="decoration"/>
    <geom name="wall_neg_y" type="plane" size="0.3 0.02 0.02" pos="0 0.3 0.02" zaxis="0 -1 0" material="decoration"/>`;
