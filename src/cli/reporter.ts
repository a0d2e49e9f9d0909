/** How a run is told: to people, or as JSON lines. */
import type { EpochEvent, LabEvent } from "../lab/events.ts";
import type { Callback, FitParams } from "../train/callbacks.ts";
import { ProgressLine } from "./progress.ts";
import type { Terminal } from "./terminal.ts";
import { epochText, resultText, score, startText } from "./text.ts";

export interface Reporter {
  /** For the fit. */
  readonly callbacks: readonly Callback[];
  onEvent(event: LabEvent): void;
  /** The run was ended by Ctrl-C. */
  interrupted(): void;
}

/** One object a line, and nothing else. */
export const jsonReporter = ({ write }: Terminal): Reporter => ({
  callbacks: [],
  onEvent: (event) => write(`${JSON.stringify(event)}\n`),
  interrupted: () => {},
});

/** A live line for each epoch on a terminal, a plain one elsewhere. */
export class TextReporter implements Reporter {
  readonly callbacks: readonly Callback[];
  readonly #terminal: Terminal;
  readonly #line: ProgressLine | undefined;
  readonly #plain: Callback & { params?: FitParams } = {};
  readonly #epochs: EpochEvent[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#line = terminal.isLive ? new ProgressLine(terminal) : undefined;
    this.callbacks = [this.#line ?? this.#plain];
  }

  onEvent(event: LabEvent): void {
    if (event.event === "start") this.#say(startText(event));
    else if (event.event === "result") this.#say(this.#terminal.style("bold", resultText(event)));
    else {
      this.#epochs.push(event);
      if (this.#line) this.#line.finish(event);
      else this.#say(epochText(event, this.#plain.params!));
    }
  }

  interrupted(): void {
    this.#line?.leave();
    const [first, ...others] = this.#epochs;
    if (!first) return this.#say("Interrupted in the first epoch");
    const best = others.reduce((a, b) => (b.valLoss < a.valLoss ? b : a), first);
    this.#say(
      `Interrupted after ${this.#epochs.length} of the epochs; the best was epoch ${best.epoch}: ` +
        `validation loss ${score(best.valLoss)}, accuracy ${score(best.valAccuracy)}`,
    );
  }

  #say(text: string): void {
    this.#terminal.write(`${text}\n`);
  }
}
