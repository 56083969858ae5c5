/** What whoever writes an exported policy and whoever loads it agree on. */

/** The exported policy's name, in a checkpoint and in a run's `export` folder. */
export const POLICY_FILE = "policy.onnx";

/** The graph's input, [N, observation size], raw: an observation has one part, so there is one. */
export const POLICY_INPUT = "observation";

/**
 * A second input of graphs that are evaluated but not exported: standard normals, [N, noise size], that
 * actions are drawn with.
 */
export const POLICY_NOISE = "noise";

/** The graph's output, [N, action size], in the environment's units. */
export const POLICY_OUTPUT = "action";
