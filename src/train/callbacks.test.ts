import { describe, expect, it } from "vitest";
import { Net } from "../model/net.ts";
import { Sequence } from "../model/sequence.ts";
import { Engine } from "../runtime/engine.ts";
import { type Callback, Callbacks, checkCallbacks } from "./callbacks.ts";

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

  it("that enclose others come first at a beginning, and last at an end", async () => {
    const seen: string[] = [];
    const named = (name: string, enclosesOthers: boolean): Callback => ({
      enclosesOthers,
      onEpochBegin: () => seen.push(`begin ${name}`),
      onEpochEnd: () => seen.push(`end ${name}`),
      onTrainBatchEnd: () => seen.push(`batch ${name}`),
      close: () => seen.push(`close ${name}`),
    });
    const list = all(named("a", false), named("X", true), named("b", false), named("Y", true));
    await list.call("onEpochBegin", 0);
    expect(seen.splice(0).join()).toBe("begin X,begin Y,begin a,begin b");
    await list.afterStep("Train", 0, () => ({}));
    expect(seen.splice(0).join()).toBe("batch a,batch b,batch Y,batch X");
    await list.call("onEpochEnd", 0, {});
    expect(seen.splice(0).join()).toBe("end a,end b,end Y,end X");
    // Not begun, nothing to close.
    await list.close();
    list.begin({} as never, {} as never, {} as never);
    await list.close();
    expect(seen.splice(0).join()).toBe("close a,close b,close Y,close X");
  });

  it("are all closed, whatever one throws", async () => {
    const seen: string[] = [];
    const bad = (name: string) => ({
      close: () => {
        seen.push(name);
        throw new Error(name);
      },
    });
    const list = all(bad("a"), { close: () => seen.push("b") }, bad("c"));
    list.begin({} as never, {} as never, {} as never);
    await expect(list.close()).rejects.toThrow("a");
    expect(seen).toEqual(["a", "b", "c"]);
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
    expect(() => checkCallbacks([{ onEpochEnd: 5 as never }])).toThrow(
      "fit: onEpochEnd of a callback must be a function, got 5.",
    );
    expect(() => checkCallbacks([{ nextStop: "x" as never }])).toThrow(
      "nextStop of a callback must be",
    );
    expect(() => checkCallbacks([{ close: 1 as never }])).toThrow("close of a callback must be");
    for (const bad of [5, {}, [null], "abc"])
      expect(() => checkCallbacks(bad as never)).toThrow(
        "fit: callbacks must be an array of objects with hooks, got ",
      );
    checkCallbacks([]);
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
