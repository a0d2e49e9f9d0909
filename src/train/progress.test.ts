import { afterEach, describe, expect, it, vi } from "vitest";
import type { Logs } from "../model/totals.ts";
import type { FitParams } from "./callbacks.ts";
import { ProgressLines } from "./progress.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

interface Fit {
  readonly isBar: boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly epochs?: number;
  readonly steps?: number;
  /** Steps that are made; default: all. */
  readonly made?: number;
  readonly milliseconds?: number;
  readonly logs?: Logs;
}

/** What is written for epochs of steps of so many milliseconds, and 500 of validation. */
function written(fit: Fit): string[] {
  const { isBar, isTTY = true, columns = 100, epochs = 1, steps = 4, milliseconds = 100 } = fit;
  const { made = steps, logs = { loss: 2.3456, accuracy: 0.5 } } = fit;
  const texts: string[] = [];
  const output = { isTTY, columns, write: (text: string) => void texts.push(text) };
  let time = 0;
  const lines = new ProgressLines(isBar, output, () => time);
  lines.params = { epochs, steps } as FitParams;
  lines.onTrainBegin();
  for (let epoch = 0; epoch < epochs; epoch++) {
    lines.onEpochBegin(epoch);
    for (let step = 0; step < made; step++) {
      time += milliseconds;
      lines.onTrainBatchBegin(step);
      lines.onTrainBatchEnd?.(step, logs);
    }
    time += 500;
    lines.onEpochEnd(epoch, { ...logs, valLoss: 1 });
  }
  lines.endLine();
  return texts;
}

const clear = "\x1b[K";

/** The screen of a terminal that these texts were written to. */
function screen(texts: readonly string[]): string[] {
  const lines = [""];
  let at = 0;
  const pieces = texts
    .join("")
    .replaceAll(clear, "\t")
    .split(/([\r\n\t])/);
  for (const piece of pieces) {
    const last = lines.length - 1;
    if (piece === "\r") at = 0;
    else if (piece === "\n") {
      lines.push("");
      at = 0;
    } else if (piece === "\t") lines[last] = lines[last].slice(0, at);
    else {
      lines[last] = lines[last].slice(0, at) + piece + lines[last].slice(at + piece.length);
      at += piece.length;
    }
  }
  return lines;
}

const full = "━".repeat(20);
const end = " - accuracy: 0.5000 - loss: 2.3456 - valLoss: 1.0000";

describe("verbose 1 on a terminal", () => {
  it("is a bar that is drawn over itself, then Keras's last line", () => {
    const texts = written({ isBar: true, epochs: 2 });
    expect(texts.slice(0, 4)).toEqual([
      "Epoch 1/2\n",
      `\r1/4 ━━━━━${"─".repeat(15)} 0s 100ms/step - accuracy: 0.5000 - loss: 2.3456\x1b[K`,
      `\r2/4 ${"━".repeat(10)}${"─".repeat(10)} 0s 100ms/step - accuracy: 0.5000 - loss: 2.3456\x1b[K`,
      `\r3/4 ${"━".repeat(15)}───── 0s 100ms/step - accuracy: 0.5000 - loss: 2.3456\x1b[K`,
    ]);
    const last = `4/4 ${full} 1s 100ms/step${end}`;
    expect(screen(texts)).toEqual(["Epoch 1/2", last, "Epoch 2/2", last, ""]);
  });

  it("says nothing of the number of a single epoch, as Keras", () => {
    expect(screen(written({ isBar: true }))).toEqual([`4/4 ${full} 1s 100ms/step${end}`, ""]);
  });

  it("is drawn every 50 ms at most, but always with the last step", () => {
    const texts = written({ isBar: true, steps: 1000, milliseconds: 1 });
    expect(texts).toHaveLength(21);
    expect(texts.at(-2)).toContain(`\r1000/1000 ${full} 0s 1ms/step`);
    const quick = written({ isBar: true, steps: 3, milliseconds: 1 });
    expect(quick).toHaveLength(2);
  });

  it("tells the time that is left in Keras's forms", () => {
    const left = (milliseconds: number) => written({ isBar: true, steps: 2, milliseconds })[0];
    expect(left(12_000)).toContain(" 12s 12s/step");
    expect(left(125_000)).toContain(" 2:05 125s/step");
    expect(left(3_725_000)).toContain(" 1:02:05 3725s/step");
  });

  it("is never wider than the terminal; its last line is cut where a metric ends", () => {
    for (const columns of [20, 30, 45, 60, 79, 100]) {
      const texts = written({ isBar: true, columns, steps: 1407, milliseconds: 10 });
      for (const line of screen(texts)) expect(line.length).toBeLessThan(columns);
      for (const text of texts) expect(text.match(/\r/g)?.length).toBe(1);
    }
    expect(screen(written({ isBar: true, columns: 60 }))).toEqual([
      `4/4 ${full} 1s 100ms/step - accuracy: 0.5000`,
      "    - loss: 2.3456 - valLoss: 1.0000",
      "",
    ]);
  });

  it("counts steps of a data set of unknown size, and knows them in the next epoch", () => {
    const texts = written({ isBar: true, epochs: 2, steps: 0, made: 3 });
    expect(texts[1]).toBe(
      "\r      1/Unknown 0s 100ms/step - accuracy: 0.5000 - loss: 2.3456\x1b[K",
    );
    const last = `3/3 ${full} 1s 100ms/step${end}`;
    expect(screen(texts)).toEqual(["Epoch 1/2", last, "Epoch 2/2", last, ""]);
    expect(texts.some((text) => text.includes("\r1/3 ━━━━━━─"))).toBe(true);
  });

  it("shows how far an epoch came that was stopped", () => {
    const [line] = screen(written({ isBar: true, made: 2 }));
    expect(line).toContain(`2/4 ${"━".repeat(10)}${"─".repeat(10)} 1s`);
  });

  it("leaves its line for other output", () => {
    const texts: string[] = [];
    const lines = new ProgressLines(true, { isTTY: true, write: (text) => texts.push(text) });
    lines.params = { epochs: 1, steps: 1 } as FitParams;
    lines.onTrainBegin();
    lines.onEpochBegin(0);
    lines.onTrainBatchBegin(0);
    lines.onTrainBatchEnd!(0, { loss: 1 });
    lines.endLine();
    lines.endLine();
    expect(texts.slice(1)).toEqual(["\n"]);
  });
});

describe("elsewhere", () => {
  it("verbose 1 prints the last state of each epoch, without control characters", () => {
    expect(written({ isBar: true, isTTY: false, epochs: 2, columns: 20 })).toEqual([
      "Epoch 1/2\n",
      `4/4 ${full} 1s 100ms/step${end}\n`,
      "Epoch 2/2\n",
      `4/4 ${full} 1s 100ms/step${end}\n`,
    ]);
  });

  it("verbose 2 is Keras's line", () => {
    for (const isTTY of [true, false])
      expect(written({ isBar: false, isTTY, epochs: 2 })).toEqual([
        "Epoch 1/2\n",
        `4/4 - 1s - 100ms/step${end}\n`,
        "Epoch 2/2\n",
        `4/4 - 1s - 100ms/step${end}\n`,
      ]);
  });

  it("no output is the console", () => {
    const print = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const lines = new ProgressLines(true, undefined, () => 0);
    lines.params = { epochs: 2, steps: 1 } as FitParams;
    lines.onTrainBegin();
    lines.onEpochBegin(0);
    lines.onTrainBatchBegin(0);
    lines.onEpochEnd(0, { loss: 1 });
    expect(print.mock.calls).toEqual([["Epoch 1/2"], [`1/1 ${full} 0s 0us/step - loss: 1.0000`]]);
  });
});

it("numbers are as Keras writes them", () => {
  const logs = { b: 0.00012345, a: 0, c: -0.0005, d: Number.NaN, e: 12.34567, f: 1e-10 };
  const [line] = written({ isBar: false, logs });
  expect(line).toContain(
    " - a: 0.0000e+00 - b: 1.2345e-04 - c: -5.0000e-04 - d: NaN - e: 12.3457 - f: 1.0000e-10",
  );
});
