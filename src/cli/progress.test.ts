import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { drawLine, type LineState, ProgressLine } from "./progress.ts";
import { terminalOf } from "./terminal.ts";

const state: LineState = {
  epoch: 2,
  epochs: 3,
  step: 703,
  steps: 1407,
  seconds: 1.52,
  msPerStep: 2.134,
  loss: 1.88421,
  accuracy: 0.31204,
};
const over = { ...state, step: 1407, validation: { loss: 1.70444, accuracy: 0.39119 } };

const screen = (columns: number, variables: Record<string, string> = { NO_COLOR: "1" }) => {
  const written: string[] = [];
  const stream = { isTTY: true, columns, write: (text: string) => written.push(text) };
  return { written, terminal: terminalOf(stream, (name) => variables[name]) };
};

describe("drawLine", () => {
  it("shows epoch, bar, steps, time, loss and accuracy", () => {
    expect(drawLine(state, screen(120).terminal)).toBe(
      "Epoch 2/3 ━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌  703/1407 1.5s 2.13 ms/step loss 1.8842 accuracy 0.3120",
    );
  });

  it("adds validation at the end of the epoch", () => {
    expect(drawLine(over, screen(140).terminal)).toBe(
      "Epoch 2/3 ━━━━━━━━━━━━━━━━━━━━━━━━━ 1407/1407 1.5s 2.13 ms/step loss 1.8842 accuracy 0.3120 " +
        "val loss 1.7044 val accuracy 0.3912",
    );
  });

  it("takes short words where the terminal is narrow", () => {
    expect(drawLine(over, screen(80).terminal)).toBe(
      "2/3 ━━━━ 1407/1407 1.5s 2.13 ms/step loss 1.8842 acc 0.3120 val 1.7044 0.3912",
    );
  });

  it("keeps its words over an epoch", () => {
    const { terminal } = screen(80);
    expect(drawLine(state, terminal)).toMatch(/^2\/3 ━.* acc 0.3120$/);
  });

  it("leaves room for the ^C of a terminal", () => {
    const columns = fc.integer({ min: 3, max: 250 });
    const numbers = fc.double({ min: 0, max: 1e5, noNaN: true });
    fc.assert(
      fc.property(columns, numbers, fc.boolean(), (width, loss, isOver) => {
        const line = drawLine({ ...(isOver ? over : state), loss }, screen(width).terminal);
        expect(line.length + 2).toBeLessThan(width);
      }),
    );
  });

  it("is coloured on a terminal without NO_COLOR, and has the same text then", () => {
    const plain = drawLine(over, screen(140).terminal);
    const coloured = drawLine(over, screen(140, {}).terminal);
    expect(coloured).toContain("\x1b[32m━");
    expect(plain).not.toContain("\x1b");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(coloured.replace(/\x1b\[\d+m/g, "")).toBe(plain);
  });
});

describe("terminalOf", () => {
  const write = () => {};

  it("draws neither in files nor on dumb terminals", () => {
    expect(terminalOf({ write }, () => undefined).isLive).toBe(false);
    expect(terminalOf({ write, isTTY: true }, () => "dumb").isLive).toBe(false);
    expect(terminalOf({ write, isTTY: true }, () => undefined).isLive).toBe(true);
  });

  it("has no colours in files", () => {
    expect(terminalOf({ write }, () => undefined).style("bold", "x")).toBe("x");
  });
});

describe("ProgressLine", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const started = () => {
    const { written, terminal } = screen(140);
    const line = new ProgressLine(terminal);
    line.params = {
      epochs: 1,
      steps: 100,
      batchSize: 32,
      samples: 3200,
      validationSamples: 0,
      seed: 1,
      device: "wasm",
      threads: 1,
      fma: true,
    };
    line.onEpochBegin(0);
    return { line, written };
  };
  const logs = { loss: 2, accuracy: 0.5 };

  it("never makes the fit stop", () => {
    expect(started().line.onlyReadsLogs).toBe(true);
  });

  it("is drawn at most every 50 ms", () => {
    const { line, written } = started();
    for (let step = 0; step < 100; step++) {
      vi.advanceTimersByTime(1);
      line.onTrainBatchEnd(step, logs);
    }
    expect(written).toHaveLength(2);
    expect(written[0]).toMatch(/^\rEpoch 1\/1 .* {3}1\/100 /);
    expect(written[0]).toMatch("\x1b[K");
    expect(written[1]).toContain(" 51/100 0.1s 1.00 ms/step");
  });

  it("is drawn no more once it is closed", () => {
    const { line, written } = started();
    line.onTrainBatchEnd(0, logs);
    line.close();
    expect(written.at(-1)).toBe("\n");
    const count = written.length;
    vi.advanceTimersByTime(100);
    line.onTrainBatchEnd(1, logs);
    line.onTestBegin();
    expect(written).toHaveLength(count);
  });

  it("clears the ^C of a terminal where no line is open", () => {
    const { line, written } = started();
    line.close();
    expect(written).toEqual(["\r\x1b[K"]);
  });

  it("ends with the numbers of the epoch, on a line that stays", () => {
    const { line, written } = started();
    line.onTrainBatchEnd(99, logs);
    line.onTestBegin();
    line.finish({
      event: "epoch",
      variant: "elu",
      seed: 1,
      epoch: 1,
      loss: 1.5,
      accuracy: 0.25,
      valLoss: 1.25,
      valAccuracy: 0.375,
      learningRate: 0.1,
      seconds: 4,
      msPerStep: 3,
    });
    expect(written.at(-2)).toContain(
      "100/100 4.0s 3.00 ms/step loss 1.5000 accuracy 0.2500 val loss 1.2500 val accuracy 0.3750",
    );
    expect(written.at(-1)).toBe("\n");
    line.leave();
    expect(written.at(-2)).not.toBe("\n");
  });
});
