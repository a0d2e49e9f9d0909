/** What `fit` prints: Keras's bar that is drawn again (verbose 1), or a line an epoch (verbose 2). */
import { now, standardOutput } from "#host";
import type { Logs } from "../model/totals.ts";
import type { Callback, FitParams } from "./callbacks.ts";

/** Milliseconds between two drawings. */
const redrawMilliseconds = 50;
const barColumns = 20;

/** The callbacks that print, for an option `verbose`. */
export function progressLines(verbose: 0 | 1 | 2): Callback[] {
  if (verbose === 0) return [];
  return [new ProgressLines(verbose === 1)];
}

class ProgressLines implements Callback {
  readonly onlyReadsLogs = true;
  params?: FitParams;
  readonly #isBar: boolean;
  readonly #output = standardOutput();
  #start = 0;
  #drawn = 0;
  #steps = 0;
  onTrainBatchEnd?: (batch: number, logs: Logs) => void;

  constructor(isBar: boolean) {
    this.#isBar = isBar && this.#output?.isTTY === true;
    // Only a bar needs to hear of each step.
    if (this.#isBar) this.onTrainBatchEnd = (batch, logs) => this.#step(batch, logs);
  }

  onEpochBegin(epoch: number): void {
    this.#start = now();
    this.#drawn = 0;
    this.#steps = this.params?.steps ?? 0;
    if (this.#isBar) this.#print(`Epoch ${epoch + 1}/${this.params!.epochs}\n`);
  }

  #step(batch: number, logs: Logs): void {
    this.#steps = Math.max(this.#steps, batch + 1);
    const time = now();
    if (time - this.#drawn < redrawMilliseconds) return;
    this.#drawn = time;
    const steps = this.params!.steps || batch + 1;
    const left = ((time - this.#start) / (batch + 1)) * (steps - batch - 1);
    this.#draw(`${bar(batch + 1, steps)} ${seconds(left)}${formatLogs(logs)}`);
  }

  onEpochEnd(epoch: number, logs: Logs): void {
    const spent = now() - this.#start;
    const steps = this.#steps;
    const perStep = steps > 0 ? ` ${duration(spent / steps)}/step` : "";
    const end = `${seconds(spent)}${perStep}${formatLogs(logs)}`;
    if (this.#isBar) this.#draw(`${bar(steps, steps)} ${end}\n`);
    else {
      const { epochs } = this.params!;
      this.#print(`Epoch ${epoch + 1}/${epochs} - ${steps}/${steps} - ${end}\n`);
    }
  }

  #draw(text: string): void {
    const columns = (this.#output?.columns ?? 80) - 1;
    const isLast = text.endsWith("\n");
    const line = text.trimEnd();
    this.#print(`\r\x1b[K${line.length > columns && !isLast ? line.slice(0, columns) : line}`);
    if (isLast) this.#print("\n");
  }

  #print(text: string): void {
    if (this.#output) this.#output.write(text);
    else console.log(text.trimEnd());
  }
}

function bar(step: number, steps: number): string {
  const count = `${String(step).padStart(String(steps).length)}/${steps}`;
  const done = steps > 0 ? Math.floor((step / steps) * barColumns) : barColumns;
  return `${count} ${"━".repeat(done)}${"─".repeat(barColumns - done)}`;
}

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 1000)}s`;

/** Keras's units: `3ms`, `2s`. */
function duration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${Math.round(milliseconds / 1000)}s`;
  return milliseconds >= 1
    ? `${Math.round(milliseconds)}ms`
    : `${Math.round(milliseconds * 1000)}us`;
}

/** As Keras: four decimals, scientific below 1e-3. */
const formatLogs = (logs: Logs): string =>
  Object.entries(logs)
    .map(([name, value]) => {
      const isSmall = value !== 0 && Math.abs(value) < 1e-3;
      return ` - ${name}: ${isSmall ? value.toExponential(4) : value.toFixed(4)}`;
    })
    .join("");
