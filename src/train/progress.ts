/** What `fit` prints: Keras's bar that is drawn again (verbose 1), or a line an epoch (verbose 2). */
import { now, standardOutput } from "#host";
import type { Logs } from "../model/totals.ts";
import type { Callback, FitParams } from "./callbacks.ts";

/** Where lines go: `standardOutput()` of the host. */
type Output = NonNullable<ReturnType<typeof standardOutput>>;

/** Milliseconds between two drawings: often enough to look alive, too rarely to cost anything. */
const redrawMilliseconds = 50;
const barColumns = 20;

/** What prints for an option `verbose`. */
export const progressLines = (verbose: 0 | 1 | 2): ProgressLines | undefined =>
  verbose === 0 ? undefined : new ProgressLines(verbose === 1, standardOutput());

/**
 * Prints as Keras does, each line in one write, none longer than the terminal's:
 *
 *     Epoch 1/3
 *     1407/1407 ━━━━━━━━━━━━━━━━━━━━ 3s 2ms/step - accuracy: 0.1 - loss: 2.3 - valLoss: 2.2
 *
 * A bar is only drawn on a terminal; elsewhere verbose 1 prints its last state. (Keras prints each
 * state on a line of its own there.)
 */
export class ProgressLines implements Callback {
  readonly onlyReadsLogs = true;
  readonly addsLogs = [];
  params?: FitParams;
  /** Only a bar needs the logs of each step. */
  onTrainBatchEnd?: (batch: number, logs: Logs) => void;
  readonly #isBar: boolean;
  readonly #isDrawn: boolean;
  readonly #output: Output | undefined;
  readonly #clock: () => number;
  #start = 0;
  /** When the last train step ended. */
  #trained = 0;
  #drawn = 0;
  #steps = 0;
  /** Steps of an epoch; of a set of unknown size, those of the epoch before. */
  #target = 0;
  /** Whether the cursor stands behind a bar. */
  #isOpen = false;

  /**
   * @param isBar a bar, or one line an epoch
   * @param output undefined: the console
   */
  constructor(isBar: boolean, output: Output | undefined, clock = now) {
    this.#isBar = isBar;
    this.#isDrawn = isBar && output?.isTTY === true;
    this.#output = output;
    this.#clock = clock;
    if (this.#isDrawn) this.onTrainBatchEnd = (_, logs) => this.#step(logs);
  }

  onTrainBegin(): void {
    this.#target = this.params!.steps;
    this.#beginClock();
  }

  onEpochBegin(epoch: number): void {
    const { epochs } = this.params!;
    this.#beginClock();
    if (epochs > 1) this.#print([`Epoch ${epoch + 1}/${epochs}`]);
  }

  /** Of an epoch that goes on in its middle, the fit's begin is the begin. */
  #beginClock(): void {
    this.#start = this.#clock();
    this.#trained = this.#start;
    this.#drawn = this.#start;
    this.#steps = 0;
  }

  /** Of callbacks that only read, it is called after the step, and costs no logs. */
  onTrainBatchBegin(batch: number): void {
    this.#steps = batch + 1;
    this.#trained = this.#clock();
  }

  #step(logs: Logs): void {
    const isDue = this.#trained - this.#drawn >= redrawMilliseconds;
    // The last state stays during validation.
    if (!isDue && this.#steps !== this.#target) return;
    this.#drawn = this.#trained;
    const spent = this.#trained - this.#start;
    const left = (spent / this.#steps) * (this.#target - this.#steps);
    const time = this.#target > 0 ? eta(Math.max(left, 0)) : seconds(spent);
    this.#draw(`${this.#count()} ${time} ${this.#pace()}${formatLogs(logs).join("")}`);
  }

  onEpochEnd(_: number, logs: Logs): void {
    // An epoch that was stopped or that ended early has fewer steps than it should.
    if (this.#target === 0) this.#target = this.#steps;
    const time = seconds(this.#clock() - this.#start);
    const head = this.#isBar
      ? `${this.#count()} ${time} ${this.#pace()}`
      : `${this.#steps}/${this.#target} - ${time} - ${this.#pace()}`;
    this.#print(this.#wrapped(head, formatLogs(logs)));
  }

  /** Leaves the bar as it is, for other output or because the fit is over. */
  endLine(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#output?.write("\n");
  }

  /** `12/40 ━━━━━━──────────────`. */
  #count(): string {
    if (this.#target === 0) return `${String(this.#steps).padStart(7)}/Unknown`;
    const target = String(this.#target);
    const done = Math.min(Math.floor((this.#steps / this.#target) * barColumns), barColumns);
    const bar = "━".repeat(done) + "─".repeat(barColumns - done);
    return `${String(this.#steps).padStart(target.length)}/${target} ${bar}`;
  }

  /** The mean time of a train step, without validation. */
  #pace(): string {
    return `${duration((this.#trained - this.#start) / Math.max(this.#steps, 1))}/step`;
  }

  get #columns(): number {
    return (this.#output?.columns || 80) - 1;
  }

  /** Draws over the last state: what is new first, then the rest of the line is cleared. */
  #draw(line: string): void {
    this.#isOpen = true;
    this.#output?.write(`\r${line.slice(0, this.#columns)}\x1b[K`);
  }

  /** The last state as lines: on a terminal as many as its width needs. */
  #wrapped(head: string, parts: readonly string[]): string[] {
    if (!this.#isDrawn) return [head + parts.join("")];
    const lines = [head];
    for (const part of parts) {
      const last = lines.at(-1)!;
      if (last.length + part.length <= this.#columns) lines[lines.length - 1] = last + part;
      else lines.push(`   ${part}`);
    }
    return lines.map((line) => line.slice(0, this.#columns));
  }

  /** Lines that stay, the first one over the bar. */
  #print(lines: readonly string[]): void {
    const [first, ...rest] = lines;
    const start = this.#isOpen ? `\r${first}\x1b[K` : first;
    this.#isOpen = false;
    if (this.#output) this.#output.write(`${[start, ...rest].join("\n")}\n`);
    else console.log(lines.join("\n"));
  }
}

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 1000)}s`;

/** Keras's forms of the time that is left: `12s`, `2:05`, `1:02:05`. */
function eta(milliseconds: number): string {
  const whole = Math.floor(milliseconds / 1000);
  if (whole <= 60) return `${whole}s`;
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const end = two(whole % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${end}` : `${minutes}:${end}`;
}

/** Keras's units: `2s`, `3ms`, `250us`. */
function duration(milliseconds: number): string {
  if (milliseconds >= 1000) return seconds(milliseconds);
  return milliseconds >= 1
    ? `${Math.round(milliseconds)}ms`
    : `${Math.round(milliseconds * 1000)}us`;
}

/**
 * As Keras: by name, those of validation last; four decimals, with an exponent up to 1e-3.
 */
function formatLogs(logs: Logs): string[] {
  const isHeld = (name: string) => /^val[A-Z]/.test(name);
  const names = Object.keys(logs).sort();
  const ordered = [...names.filter((name) => !isHeld(name)), ...names.filter(isHeld)];
  return ordered.map((name) => ` - ${name}: ${formatNumber(logs[name])}`);
}

function formatNumber(value: number): string {
  if (!Number.isFinite(value) || Math.abs(value) > 1e-3) return value.toFixed(4);
  return value.toExponential(4).replace(/e([+-])(\d)$/, "e$10$2");
}
