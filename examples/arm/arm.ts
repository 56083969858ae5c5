import { defineTask, type TaskSimulation } from "troupe";

/** From the arm's tip to the target, in metres: [x, y]. */
function toTarget(sim: TaskSimulation): [number, number] {
  const [tipX = 0, tipY = 0] = sim.site("tip").position;
  const [x = 0, y = 0] = sim.body("target").position;
  return [x - tipX, y - tipY];
}

/** An arm with two joints on a table moves its tip to a target, which lies elsewhere in every episode. */
export default defineTask({
  model: "./arm.xml",
  frameSkip: 4, // 0.04 s per step
  maxEpisodeSteps: 50,
  options: { effortCost: 0.05, reach: 0.4 },
  rewardTerms: "- distance in units of 0.1 m, - effortCost |action|^2",

  reset(sim, random) {
    sim.joint("shoulder").qpos[0] = random.uniformBetween(-Math.PI, Math.PI);
    sim.joint("elbow").qpos[0] = random.uniformBetween(-2, 2);
    const angle = random.uniformBetween(-Math.PI, Math.PI);
    const radius = random.uniformBetween(0.15, sim.options.reach);
    sim.data.mocap_pos.set([radius * Math.cos(angle), radius * Math.sin(angle), 0]);
  },

  observation(sim) {
    const [shoulder = 0] = sim.joint("shoulder").qpos;
    const [elbow = 0] = sim.joint("elbow").qpos;
    const angles = [Math.cos(shoulder), Math.sin(shoulder), Math.cos(elbow), Math.sin(elbow)];
    return [...angles, sim.qvel, toTarget(sim)];
  },

  reward(sim, [shoulder = 0, elbow = 0]) {
    return {
      distance: -10 * Math.hypot(...toTarget(sim)),
      effort: -sim.options.effortCost * (shoulder ** 2 + elbow ** 2),
    };
  },
});
