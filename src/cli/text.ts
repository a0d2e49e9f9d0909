/** Numbers and events as people read them. */
import type { EpochEvent, LintEvent, ResultEvent, ResumeEvent, StartEvent } from "../lab/events.ts";
import { trainings, type VariantName } from "../lab/settings.ts";

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

/** Three lines: the net and what it runs on, the pictures, the files. */
export function startText(start: StartEvent): string[] {
  const { variant, seed, dataset, train, validation, parameters, device, threads, fma } = start;
  const unit = threads === 1 ? "thread" : "threads";
  const multiplyAdd = fma ? "fused multiply-add" : "no fused multiply-add";
  return [
    `Net ${variant}, ${count(parameters)} parameters, seed ${seed}; ${device}, ${threads} ${unit}, ` +
      multiplyAdd,
    `${count(train)} pictures to train and ${count(validation)} to validate, of ` +
      `${datasetTitles[dataset] ?? dataset}`,
    `Files in ${start.folder}`,
  ];
}

/** What a run that goes on has so far. */
export const resumeText = ({ epoch, bestEpoch, valLoss, valAccuracy }: ResumeEvent): string =>
  `Going on with epoch ${epoch}; so far the best is epoch ${bestEpoch}: ` +
  scores(valLoss, valAccuracy);

const scores = (valLoss: number, valAccuracy: number): string =>
  `validation loss ${score(valLoss)}, accuracy ${score(valAccuracy)}`;

/** A run that was finished before. */
export const finishedText = ({ variant, seed, folder }: ResultEvent): string =>
  `Net ${variant}, seed ${seed}: finished before, in ${folder}`;

/** How far an interrupted run is, by the epochs told of it. */
export function interruptedText(epochs: readonly (EpochEvent | ResumeEvent)[]): string {
  const last = epochs.at(-1);
  if (!last) return "Interrupted before the end of the first epoch";
  const whole = last.event === "epoch" ? last.epoch : last.epoch - 1;
  const best = epochs.reduce((a, b) => (b.valLoss < a.valLoss ? b : a));
  const number = best.event === "epoch" ? best.epoch : best.bestEpoch;
  return (
    `Interrupted after epoch ${whole}; the best was epoch ${number}: ` +
    scores(best.valLoss, best.valAccuracy)
  );
}

/** What keeps a net from normalizing itself. */
export function lintText({ problems }: LintEvent): string {
  const all = problems.map(({ layer, problem, fix }) => `${layer}: ${problem}. ${fix}`);
  return `The net does not normalize itself. ${all.join(" ")}`;
}

/** The line that counts: losses and accuracies of the weights that are judged. */
export function resultText(result: ResultEvent): string {
  const { variant, bestEpoch, epochs, valLoss, valAccuracy, testLoss, testAccuracy } = result;
  const isLast = trainings[variant as VariantName].judged === "last";
  const epoch = isLast ? `Last epoch ${epochs}` : `Best epoch ${bestEpoch} of ${epochs}`;
  const withNoise =
    result.mcAccuracy === undefined
      ? ""
      : ` (${score(result.mcAccuracy)} with Monte Carlo dropout)`;
  return (
    `${epoch}: ${scores(valLoss, valAccuracy)}${withNoise}; ` +
    `test loss ${score(testLoss)}, accuracy ${score(testAccuracy)}`
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

/** The text with line ends instead of spaces, so that words fit; longer words stay whole. */
export function wrapped(text: string, columns: number): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    const isFull = last === undefined || widthOf(last) + 1 + widthOf(word) > columns;
    if (isFull) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join("\n");
}

/** Characters that are seen: styles take no room. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: styles are made of them
const widthOf = (text: string): number => text.replace(/\x1b\[\d+m/g, "").length;
