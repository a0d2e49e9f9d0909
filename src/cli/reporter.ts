/** How a run is told: to people, or as JSON lines. */
import { now } from "#host";
import type { EpochEvent, LabEvent, ResultEvent, ResumeEvent, RunEvent } from "../lab/events.ts";
import type { Callback, FitParams } from "../train/callbacks.ts";
import { ProgressLine } from "./progress.ts";
import { tableText } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import {
  duration,
  epochText,
  finishedText,
  interruptedText,
  lintText,
  resultText,
  resumeText,
  startText,
  timesText,
  wrapped,
} from "./text.ts";

export interface Reporter {
  /** For the fit. */
  readonly callbacks: readonly Callback[];
  onEvent(event: LabEvent): void;
  /** The run ended before its result: what follows starts on a line of its own. */
  leave(): void;
  /**
   * The run is being ended by Ctrl-C: nothing is told after this.
   *
   * @param command the one by which it goes on
   */
  interrupted(command: string): void;
}

/** One object a line, and nothing else. */
export const jsonReporter = ({ write }: Terminal): Reporter => ({
  callbacks: [],
  onEvent: (event) => {
    // The last line of a single run is its result.
    const isAlone = event.event === "table" && event.runs === 1;
    if (!isAlone) write(`${JSON.stringify(event)}\n`);
  },
  leave: () => {},
  interrupted: () => {},
});

/** A live line for each epoch on a terminal, a plain one elsewhere. */
export class TextReporter implements Reporter {
  readonly callbacks: readonly Callback[];
  readonly #terminal: Terminal;
  readonly #line: ProgressLine | undefined;
  readonly #plain: Callback & { params?: FitParams } = {};
  readonly #begun = now();
  /** Epochs of the run that goes on, the best one before it first. */
  #epochs: (EpochEvent | ResumeEvent)[] = [];
  #hasStarted = false;
  #hasResults = false;
  #isOver = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#line = terminal.isLive ? new ProgressLine(terminal) : undefined;
    this.callbacks = [this.#line ?? this.#plain];
  }

  onEvent(event: LabEvent): void {
    if (this.#isOver) return;
    switch (event.event) {
      case "run":
        return this.#run(event);
      case "start":
        this.#epochs = [];
        this.#hasStarted = true;
        return this.#say(...startText(event));
      case "resume":
        this.#epochs.push(event);
        return this.#say(resumeText(event));
      case "lint":
        return this.#say(lintText(event));
      case "epoch":
        this.#epochs.push(event);
        if (this.#line) return this.#line.finish(event);
        return this.#say(epochText(event, this.#plain.params!));
      case "result":
        return this.#result(event);
      case "table":
        return this.#say(...tableText(event, this.#terminal));
    }
  }

  #run({ run, runs }: RunEvent): void {
    const seconds = (now() - this.#begun) / 1000;
    const soFar = run > 1 ? `, ${duration(seconds)} so far` : "";
    this.#say(this.#terminal.style("bold", `Run ${run} of ${runs}${soFar}`));
  }

  #result(event: ResultEvent): void {
    if (!this.#hasStarted) this.#say(finishedText(event));
    this.#say(this.#terminal.style("bold", resultText(event)), timesText(event));
    this.#epochs = [];
    this.#hasStarted = false;
    this.#hasResults = true;
  }

  leave(): void {
    this.#line?.leave();
  }

  interrupted(command: string): void {
    this.#line?.close();
    this.#say(interruptedText(this.#epochs));
    // In one line, to be copied.
    if (this.#hasResults || this.#epochs.length > 0) this.#terminal.write(`To go on: ${command}\n`);
    this.#isOver = true;
  }

  /** Lines; on a terminal broken at spaces where they are too long. */
  #say(...lines: readonly string[]): void {
    const { isLive, columns, write } = this.#terminal;
    for (const line of lines) write(`${isLive ? wrapped(line, columns) : line}\n`);
  }
}
