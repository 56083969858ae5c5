import { tolerance } from "./tolerance.ts";

const quiet = tolerance({ margin: 1, shape: "quadratic", valueAtMargin: 0 });

/** The suite's small_control: 1 for no control at all, 0.8 when every |control| is 1 or more. */
export function smallControl(ctrl: Float64Array): number {
  let sum = 0;
  for (const control of ctrl) sum += quiet(control);
  return (4 + sum / ctrl.length) / 5;
}
