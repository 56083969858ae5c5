import { RunError } from "../errors.ts";
import type { Algorithm, ParameterGroup } from "./algorithm.ts";

/** What actors are sent, as one group: the policy's parameters, and before them those of its encoder. */
export function publishedGroup({ name, groups, policy }: Algorithm): ParameterGroup {
  const names = policy.encoder === undefined ? [policy.group] : [policy.encoder, policy.group];
  const parameters = names.flatMap((wanted) => {
    const group = groups.find((each) => each.name === wanted);
    if (!group) throw new RunError("INTERNAL", `${name} has no group ${wanted}`);
    return group.parameters;
  });
  return { name: policy.group, parameters };
}
