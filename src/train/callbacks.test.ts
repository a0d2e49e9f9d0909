import { describe, expect, it } from "vitest";
import { Net } from "../model/net.ts";
import { Sequence } from "../model/sequence.ts";
import { Engine } from "../runtime/engine.ts";
import { type Callback, Callbacks } from "./callbacks.ts";

const net = new Net(new Sequence([]), "net", 1, () => new Engine({ device: "reference" }));
const all = (...callbacks: Callback[]) => new Callbacks(callbacks, net);
const nothing = () => undefined;

describe("callbacks", () => {
  it("let steps run together unless one must act between them", () => {
    expect(all().stepsFrom("Train", 3)).toBe(Number.POSITIVE_INFINITY);
    expect(all({ onEpochEnd: nothing }).stepsFrom("Train", 3)).toBe(Number.POSITIVE_INFINITY);
    const reader: Callback = { onlyReadsLogs: true, onTrainBatchEnd: nothing };
    expect(all(reader).stepsFrom("Train", 3)).toBe(Number.POSITIVE_INFINITY);
    expect(all(reader, { onTrainBatchBegin: nothing }).stepsFrom("Train", 3)).toBe(1);
    expect(all({ onTestBatchEnd: nothing }).stepsFrom("Train", 3)).toBe(Number.POSITIVE_INFINITY);
    expect(all({ onTestBatchEnd: nothing }).stepsFrom("Test", 3)).toBe(1);
  });

  it("ask for the nearest stop", () => {
    const stops = all({ nextStop: () => 9 }, { nextStop: (step) => step + 4 });
    expect(stops.stepsFrom("Train", 3)).toBe(5);
    expect(stops.stepsFrom("Train", 8)).toBe(2);
    // A stop that is behind is a stop now.
    expect(stops.stepsFrom("Train", 20)).toBe(1);
    expect(stops.stepsFrom("Test", 3)).toBe(Number.POSITIVE_INFINITY);
  });

  it("are called one after the other; weights may be written meanwhile", async () => {
    const seen: string[] = [];
    net.beginFit("fit");
    expect(() => net.checkMayWrite("setWeights")).toThrow("setWeights: no fit");
    const hook = (name: string) => async () => {
      net.checkMayWrite("setWeights");
      await Promise.resolve();
      seen.push(name);
    };
    await all({ onEpochBegin: hook("a") }, {}, { onEpochBegin: hook("b") }).call("onEpochBegin", 0);
    net.endFit();
    expect(seen).toEqual(["a", "b"]);
  });

  it("must be functions where they are there", () => {
    expect(() => all({ onEpochEnd: 5 as never })).toThrow(
      "fit: onEpochEnd of a callback must be a function, got 5.",
    );
    expect(() => all({ nextStop: "x" as never })).toThrow("nextStop of a callback must be");
  });

  it("make logs only where someone reads them", async () => {
    const logs = () => {
      throw new Error("nobody asked");
    };
    await all({ onlyReadsLogs: true, onTrainBatchBegin: nothing }).afterStep("Train", 0, logs);
    const reader: Callback = { onTrainBatchEnd: nothing };
    await expect(all(reader).afterStep("Train", 0, logs)).rejects.toThrow("nobody asked");
  });
});
