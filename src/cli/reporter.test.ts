import { describe, expect, it } from "vitest";
import type { EpochEvent, LabEvent, ResultEvent, TableEvent } from "../lab/events.ts";
import type { FitParams } from "../train/callbacks.ts";
import { jsonReporter, TextReporter } from "./reporter.ts";
import { terminalOf } from "./terminal.ts";

function screen(isTTY = false, columns = 80) {
  const written: string[] = [];
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  const terminal = terminalOf(stream, (name) => (name === "NO_COLOR" ? "1" : undefined));
  return { terminal, text: () => written.join("") };
}

const run = { variant: "elu", seed: 1 } as const;
const start: LabEvent = {
  event: "start",
  ...run,
  dataset: "cifar10",
  train: 45000,
  validation: 5000,
  parameters: 500210,
  device: "wasm",
  threads: 2,
  fma: true,
  folder: "antler-lab/cifar10/elu-seed1-4faaf1b8",
};
const epoch = (number: number, valLoss: number): EpochEvent => ({
  event: "epoch",
  ...run,
  epoch: number,
  loss: 1.5,
  accuracy: 0.25,
  valLoss,
  valAccuracy: 0.375,
  learningRate: 0.1,
  seconds: 4,
  msPerStep: 3,
});
const result: ResultEvent = {
  event: "result",
  ...run,
  epochs: 30,
  bestEpoch: 10,
  valLoss: 1.5,
  valAccuracy: 0.4736,
  testLoss: 1.6,
  testAccuracy: 0.45,
  microsecondsPerSample: 20,
  secondsToFirstStep: 1,
  seconds: 600,
  weightsHash: "0".repeat(64),
  secondsPerEpoch: 3,
  validation: 5000,
  folder: start.folder,
};
const table: TableEvent = { event: "table", runs: 1, dataset: "cifar10", limit: null, rows: [] };
const resume: LabEvent = {
  event: "resume",
  ...run,
  epoch: 4,
  bestEpoch: 2,
  valLoss: 1.25,
  valAccuracy: 0.5,
};

function reporterOf(isTTY = false, columns = 80) {
  const { terminal, text } = screen(isTTY, columns);
  const reporter = new TextReporter(terminal);
  for (const callback of reporter.callbacks)
    callback.params = { epochs: 30, steps: 9 } as FitParams;
  const tell = (...events: LabEvent[]) => {
    for (const event of events) reporter.onEvent(event);
  };
  return { reporter, text, tell };
}

describe("TextReporter", () => {
  it("tells of a run that goes on", () => {
    const { text, tell } = reporterOf();
    tell(start, resume, epoch(4, 1));
    expect(text()).toContain(
      "Files in antler-lab/cifar10/elu-seed1-4faaf1b8\n" +
        "Going on with epoch 4; so far the best is epoch 2: validation loss 1.2500, accuracy 0.5000\n" +
        "Epoch 4/30: ",
    );
  });

  it("tells of a run that was finished before", () => {
    const { text, tell } = reporterOf();
    tell(result);
    expect(text()).toMatch(
      /^Net elu, seed 1: finished before, in antler-lab\/.*\nBest epoch 10 of 30: .*\nEvaluating /,
    );
    tell(start, result, result);
    expect(text().match(/finished before/g)).toHaveLength(2);
  });

  it("tells of the last epoch of a net that is judged by it, and of Monte Carlo dropout", () => {
    const { text, tell } = reporterOf();
    tell({ ...result, variant: "onecycle" }, { ...result, variant: "alpha", mcAccuracy: 0.48 });
    expect(text()).toContain("\nLast epoch 30: validation loss 1.5000, accuracy 0.4736; test");
    expect(text()).toContain("accuracy 0.4736 (0.4800 with Monte Carlo dropout); test loss");
  });

  it("tells where a study is", () => {
    const { text, tell } = reporterOf();
    tell({ event: "run", ...run, run: 1, runs: 25 }, { event: "run", ...run, run: 2, runs: 25 });
    expect(text()).toMatch(/^Run 1 of 25\nRun 2 of 25, 0\.\d s so far\n$/);
  });

  it("tells what keeps a net from normalizing itself", () => {
    const { text, tell } = reporterOf();
    const problems = [{ layer: "dense_3", problem: "its activation is relu", fix: "Use selu." }];
    tell({ event: "lint", ...run, problems });
    expect(text()).toBe(
      "The net does not normalize itself. dense_3: its activation is relu. Use selu.\n",
    );
  });

  it.each([
    ["epochs of this process", [epoch(1, 2), epoch(2, 3)], "after epoch 2; the best was epoch 1"],
    ["epochs before it", [resume, epoch(4, 2)], "after epoch 4; the best was epoch 2"],
    ["nothing new", [resume], "after epoch 3; the best was epoch 2"],
    ["a better one", [resume, epoch(4, 1)], "after epoch 4; the best was epoch 4"],
  ])("tells how far an interrupted run is, of %s, and how it goes on", (_, events, words) => {
    const { reporter, text, tell } = reporterOf();
    tell(start, ...events);
    reporter.interrupted("antler lab cifar10 --resume");
    expect(text()).toContain(`\nInterrupted ${words}: validation loss `);
    expect(text()).toMatch(/\nTo go on: antler lab cifar10 --resume\n$/);
    const before = text();
    tell(epoch(5, 1), result, table);
    expect(text()).toBe(before);
  });

  it("has nothing to go on from before the first epoch, unless a run was finished", () => {
    const first = reporterOf();
    first.tell(start);
    first.reporter.interrupted("antler");
    expect(first.text()).toMatch(/\nInterrupted before the end of the first epoch\n$/);
    const second = reporterOf();
    second.tell(start, epoch(1, 1), result, start);
    second.reporter.interrupted("antler");
    expect(second.text()).toMatch(/\nInterrupted before .* first epoch\nTo go on: antler\n$/);
  });

  it.each([40, 80, 120])("breaks lines at spaces on a terminal of %i columns", (columns) => {
    const { text, tell } = reporterOf(true, columns);
    const lint = { layer: "dense_3", problem: "its activation is relu", fix: "Use selu." };
    tell(start, resume, { event: "lint", ...run, problems: Array(5).fill(lint) }, result, table);
    for (const line of text().split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
    expect(text().replace(/\s+/g, " ")).toContain("Net elu, 500,210 parameters, seed 1; wasm");
    const plain = reporterOf(false, columns);
    plain.tell(start);
    expect(plain.text().split("\n")[0].length).toBeGreaterThan(70);
  });
});

describe("jsonReporter", () => {
  it("writes each event as a line, and a table where there were several runs", () => {
    const { terminal, text } = screen();
    const { onEvent } = jsonReporter(terminal);
    for (const event of [start, epoch(1, 2), result, table]) onEvent(event);
    const lines = text().trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([start, epoch(1, 2), result]);
    onEvent({ ...table, runs: 2 });
    expect(text().trimEnd().split("\n").at(-1)).toContain('"event":"table"');
  });
});
