/** The line of an epoch that is drawn again while it runs, on a terminal. */
import { now } from "#host";
import type { EpochEvent } from "../lab/events.ts";
import type { Logs } from "../model/totals.ts";
import type { Callback, FitParams } from "../train/callbacks.ts";
import type { Style, Terminal } from "./terminal.ts";
import { score, short } from "./text.ts";

/** Milliseconds between two drawings: smooth for eyes, nothing for the training. */
const redrawMilliseconds = 50;
const mostBarColumns = 25;
const leastBarColumns = 4;
/** Room for the `^C` that a terminal writes behind the line: it must not break it. */
const echoColumns = 3;

/** Before the number of the epoch, accuracy, validation loss and validation accuracy. */
type Words = readonly [head: string, accuracy: string, valLoss: string, valAccuracy: string];
const longWords: Words = ["Epoch ", "accuracy ", "val loss ", "val accuracy "];
const shortWords: Words = ["", "acc ", "val ", ""];

/** What a line shows. */
export interface LineState {
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
  readonly seconds: number;
  readonly msPerStep: number;
  readonly loss: number;
  readonly accuracy: number;
  /** Once the epoch is over. */
  readonly validation?: { readonly loss: number; readonly accuracy: number } | undefined;
}

/** The line, never wider than the terminal: short words, and then no bar, where it is narrow. */
export function drawLine(state: LineState, terminal: Pick<Terminal, "columns" | "style">): string {
  const most = terminal.columns - echoColumns;
  // The words stay the same over an epoch, so they need room for its end.
  const { loss, accuracy } = state;
  const atEnd = partsOf({ ...state, validation: { loss, accuracy } }, longWords);
  const isRoomy = widthOf(atEnd) + 1 + leastBarColumns <= most;
  const [head, ...rest] = partsOf(state, isRoomy ? longWords : shortWords);
  const free = most - widthOf([head, ...rest]) - 1;
  const bar = free < leastBarColumns ? [] : [drawBar(state, Math.min(free, mostBarColumns))];
  const parts = [head, ...bar, ...rest];
  const styled = parts.map(([text, style]) => (style ? terminal.style(style, text) : text));
  if (widthOf(parts) <= most) return styled.join(" ");
  return parts
    .map(([text]) => text)
    .join(" ")
    .slice(0, Math.max(most, 0));
}

type Part = readonly [text: string, style?: Style];

function partsOf(
  { epoch, epochs, step, steps, seconds, msPerStep, loss, accuracy, validation }: LineState,
  [head, accuracyWord, lossWord, validWord]: Words,
): Part[] {
  const parts: Part[] = [
    [`${head}${String(epoch).padStart(String(epochs).length)}/${epochs}`, "bold"],
    [`${String(step).padStart(String(steps).length)}/${steps}`],
    [`${seconds < 100 ? seconds.toFixed(1) : seconds.toFixed(0)}s`, "dim"],
    [`${short(msPerStep)} ms/step`, "dim"],
    [`loss ${score(loss)}`],
    [`${accuracyWord}${score(accuracy)}`],
  ];
  if (validation) {
    parts.push([`${lossWord}${score(validation.loss)}`, "cyan"]);
    parts.push([`${validWord}${score(validation.accuracy)}`, "cyan"]);
  }
  return parts;
}

const widthOf = (parts: readonly Part[]): number =>
  parts.reduce((sum, [text]) => sum + text.length, 0) + parts.length - 1;

function drawBar({ step, steps }: LineState, columns: number): Part {
  const done = Math.floor((step / steps) * columns);
  return ["━".repeat(done) + "╌".repeat(columns - done), "green"];
}

/** Draws the line from a fit's hooks. It only reads logs, so it never makes a fit stop. */
export class ProgressLine implements Callback {
  readonly onlyReadsLogs = true;
  params?: FitParams;
  readonly #terminal: Terminal;
  #epoch = 0;
  #start = 0;
  #drawn = 0;
  #isOpen = false;
  #isClosed = false;
  #last: { step: number; logs: Logs } | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  onEpochBegin(epoch: number): void {
    this.#epoch = epoch + 1;
    this.#start = now();
    this.#drawn = Number.NEGATIVE_INFINITY;
    this.#last = undefined;
  }

  onTrainBatchEnd(step: number, logs: Logs): void {
    this.#last = { step: step + 1, logs };
    if (now() - this.#drawn >= redrawMilliseconds) this.#draw();
  }

  /** The bar is full while validation runs. */
  onTestBegin(): void {
    this.#draw();
  }

  /** The epoch is over: its line stays. */
  finish(event: EpochEvent): void {
    const { epoch, seconds, msPerStep, loss, accuracy, valLoss, valAccuracy } = event;
    const { epochs, steps } = this.params!;
    const validation = { loss: valLoss, accuracy: valAccuracy };
    const state = { epoch, epochs, step: steps, steps, seconds, msPerStep, loss, accuracy };
    this.#write({ ...state, validation });
    this.leave();
  }

  /** Ends a line that is not finished, so that other text starts on a new one. */
  leave(): void {
    if (this.#isOpen) this.#terminal.write("\n");
    this.#isOpen = false;
  }

  /** Leaves the line, or clears the `^C` where there is none, and draws no more. */
  close(): void {
    if (this.#isOpen) this.leave();
    else this.#terminal.write("\r\x1b[K");
    this.#isClosed = true;
  }

  #draw(): void {
    if (!this.#last || this.#isClosed) return;
    const { step, logs } = this.#last;
    const { epochs, steps } = this.params!;
    this.#drawn = now();
    const seconds = (this.#drawn - this.#start) / 1000;
    const msPerStep = (1000 * seconds) / step;
    const { loss, accuracy } = logs;
    this.#write({ epoch: this.#epoch, epochs, step, steps, seconds, msPerStep, loss, accuracy });
  }

  #write(state: LineState): void {
    // Back to the first column, and away with what a longer line left.
    this.#terminal.write(`\r${drawLine(state, this.#terminal)}\x1b[K`);
    this.#isOpen = true;
  }
}
