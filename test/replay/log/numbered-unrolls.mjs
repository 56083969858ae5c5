/** What write-log.mjs logs, and who checks it expects: plain JavaScript, since a thread runs it too. */

export const OPTIONS = {
  capacity: 20,
  observationSize: 3,
  actionSize: 2,
  unrollLength: 4,
  sampling: { kind: "uniform" },
  batchSize: 8,
  nSteps: 1,
  gamma: 0.99,
};

/** Unroll `index` of the run, 1 to 4 steps long. */
export function unrollOf(index) {
  const length = 1 + (index % 4);
  return {
    actor: 0,
    env: index % 3,
    length,
    observations: new Float32Array(3 * (length + 1)).fill(index),
    actions: new Float32Array(2 * length).fill(0.5),
    rewards: new Float32Array(length).fill(index),
    terminated: new Uint8Array(length),
    truncated: new Uint8Array(length),
    policyVersions: new Int32Array(length).fill(index),
  };
}

export function checkpointOf(cut, saved) {
  return {
    learnerStep: cut,
    envSteps: cut,
    tensors: {},
    json: { replay: saved.state },
    replay: saved.files.map(({ name, ...file }) => ({ ...file, path: `replay/${name}` })),
  };
}
