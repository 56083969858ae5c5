import { abs, add, minimum, mul, reshape, square, sub, type Tensor } from "../../compile/ops.ts";
import { type CriticHead, type CriticTarget, softBackup } from "./critic-head.ts";

/** The error of a prediction, element by element, from the difference to its target. */
export type RegressionLoss = "squared" | "huber";

export const regressionErrors: Readonly<Record<RegressionLoss, (delta: Tensor) => Tensor>> = {
  squared: square,
  /** Threshold 1: delta^2 / 2 within it, |delta| - 1/2 beyond. */
  huber: (delta) => {
    const size = abs(delta);
    const inner = minimum(size, 1);
    return add(mul(square(inner), 0.5), sub(size, inner));
  },
};

/** One output, which is the value. The priority is |Q - y| (Fujimoto et al. 2020, arXiv 2007.06049). */
export function regression(loss: RegressionLoss): CriticHead {
  const error = regressionErrors[loss];
  const value = (outputs: Tensor): Tensor => reshape(outputs, outputs.shape.slice(0, -1));
  const toward = (target: Tensor): CriticTarget => ({
    value: target,
    compare: (outputs) => {
      const delta = sub(value(outputs), target);
      return { loss: error(delta), priority: abs(delta) };
    },
  });
  return {
    outputs: 1,
    value,
    toward,
    backUp: (backup, twin) => {
      const [q1, q2] = backup.next;
      return toward(softBackup(backup, twin.value([value(q1), value(q2)])));
    },
  };
}
