/** What a fit warns of, once. */
import type { Run } from "./run.ts";

/** The data ended in the middle of an epoch. */
export function warnEnded(run: Run, steps: number, wanted: number): void {
  warnOnce(
    run,
    `fit: the data ended after ${steps} of ${wanted} steps of an epoch; it begins anew in the ` +
      "next. Lower stepsPerEpoch, or give more data.",
  );
}

/** A loss is not finite. */
export function warnOfLoss(run: Run, epoch: number, step: number, loss: number): void {
  warnOnce(
    run,
    `fit: the loss is ${loss} in epoch ${epoch} at step ${step}; training goes on. ` +
      "A lower learning rate or smaller inputs may help.",
  );
}

function warnOnce(run: Run, text: string): void {
  if (run.hasWarned) return;
  run.hasWarned = true;
  run.lines?.endLine();
  console.warn(text);
}
