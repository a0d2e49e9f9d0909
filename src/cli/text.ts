/** Numbers and events as people read them. */
import type { EpochEvent, ResultEvent, StartEvent } from "../lab/events.ts";

/** `500,210`. */
export const count = (value: number): string => value.toLocaleString("en-US");

/** `3.1 s`, `4 min 05 s`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** `2.13`, `21.3`, `213`: three digits. */
export const short = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

/** Losses and accuracies, to four digits after the point. */
export const score = (value: number): string => value.toFixed(4);

const datasetTitles: Record<string, string> = {
  cifar10: "CIFAR-10",
  embedded: "the embedded pictures (generated shapes, not CIFAR-10)",
};

/** Two lines: the net and what it runs on, the pictures. */
export function startText(start: StartEvent): string {
  const { variant, seed, dataset, train, validation, parameters, device, threads, fma } = start;
  const unit = threads === 1 ? "thread" : "threads";
  const multiplyAdd = fma ? "fused multiply-add" : "no fused multiply-add";
  return (
    `Net ${variant}, ${count(parameters)} parameters, seed ${seed}; ${device}, ${threads} ${unit}, ` +
    `${multiplyAdd}\n${count(train)} pictures to train and ${count(validation)} to validate, of ` +
    `${datasetTitles[dataset] ?? dataset}`
  );
}

/** The line that counts: losses and accuracies of the best epoch's weights. */
export function resultText(result: ResultEvent): string {
  const { bestEpoch, epochs, valLoss, valAccuracy, testLoss, testAccuracy } = result;
  return (
    `Best epoch ${bestEpoch} of ${epochs}: validation loss ${score(valLoss)}, accuracy ` +
    `${score(valAccuracy)}; test loss ${score(testLoss)}, accuracy ${score(testAccuracy)}`
  );
}

export function timesText(result: ResultEvent): string {
  return (
    `Evaluating takes ${short(result.microsecondsPerSample)} us a picture; first step after ` +
    `${duration(result.secondsToFirstStep)}, ${duration(result.seconds)} in all`
  );
}

/** An epoch that is over, as a line of its own. */
export function epochText(
  event: EpochEvent,
  { epochs, steps }: { readonly epochs: number; readonly steps: number },
): string {
  return (
    `Epoch ${event.epoch}/${epochs}: ${steps} steps, ${duration(event.seconds)}, ` +
    `${short(event.msPerStep)} ms/step, loss ${score(event.loss)}, accuracy ` +
    `${score(event.accuracy)}, validation loss ${score(event.valLoss)}, validation accuracy ` +
    `${score(event.valAccuracy)}`
  );
}
