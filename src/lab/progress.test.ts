import { describe, expect, it } from "vitest";
import { History } from "../train/history.ts";
import { progressOf } from "./progress.ts";

function historyOf(valLosses: readonly number[]): History {
  const history = new History();
  for (const [epoch, valLoss] of valLosses.entries())
    history.add(epoch, { loss: 1, accuracy: 0, valLoss, valAccuracy: epoch / 10 });
  return history;
}

describe("progressOf", () => {
  it.each([
    ["the lowest validation loss", [3, 1, 2], 2],
    ["the first of equal ones", [3, 2, 2], 2],
    ["the first of those that are equal in float32", [3, 2, 2 - 1e-9], 2],
    ["a number before a later NaN", [5, Number.NaN, 6], 1],
    ["NaN, where it came first: the checkpoint never saves again", [Number.NaN, 5], 1],
  ])("knows the epoch with %s", (_, valLosses, epoch) => {
    expect(progressOf(historyOf(valLosses))).toEqual({
      epochs: valLosses.length,
      best: { bestEpoch: epoch, valLoss: valLosses[epoch - 1], valAccuracy: (epoch - 1) / 10 },
    });
  });

  it("is nothing before the first epoch's end", () => {
    expect(progressOf(historyOf([]))).toBeUndefined();
  });
});
