/** How a run is told: to people, or as JSON lines. */
import type { EpochEvent, LabEvent } from "../lab/events.ts";
import type { Callback, FitParams } from "../train/callbacks.ts";
import { ProgressLine } from "./progress.ts";
import type { Terminal } from "./terminal.ts";
import { epochText, resultText, score, startText, timesText } from "./text.ts";

export interface Reporter {
  /** For the fit. */
  readonly callbacks: readonly Callback[];
  onEvent(event: LabEvent): void;
  /** The run ended before its result: what follows starts on a line of its own. */
  leave(): void;
  /** The run was ended by Ctrl-C. */
  interrupted(): void;
}

/** One object a line, and nothing else. */
export const jsonReporter = ({ write }: Terminal): Reporter => ({
  callbacks: [],
  onEvent: (event) => write(`${JSON.stringify(event)}\n`),
  leave: () => {},
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
    else if (event.event === "result") {
      this.#say(this.#terminal.style("bold", resultText(event)));
      this.#say(timesText(event));
    } else {
      this.#epochs.push(event);
      if (this.#line) this.#line.finish(event);
      else this.#say(epochText(event, this.#plain.params!));
    }
  }

  leave(): void {
    this.#line?.leave();
  }

  interrupted(): void {
    this.leave();
    const [first, ...others] = this.#epochs;
    if (!first) return this.#say("Interrupted before the end of the first epoch");
    const best = others.reduce((a, b) => (b.valLoss < a.valLoss ? b : a), first);
    this.#say(
      `Interrupted after epoch ${this.#epochs.length}; the best was epoch ${best.epoch}: ` +
        `validation loss ${score(best.valLoss)}, accuracy ${score(best.valAccuracy)}`,
    );
  }

  #say(text: string): void {
    this.#terminal.write(`${text}\n`);
  }
}
