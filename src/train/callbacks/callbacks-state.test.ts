/** Callbacks go on where others stopped: cut anywhere, sequences end as Keras's. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeModel, golden, ourOptions, replay, rowsOf } from "./callbacks.case.ts";
import { EarlyStopping } from "./early-stopping.ts";
import { ReduceLROnPlateau } from "./reduce-lr-on-plateau.ts";
import type { StatefulCallback } from "./state.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const saved = (callback: StatefulCallback) => JSON.parse(JSON.stringify(callback.getState()));

describe("a state", () => {
  it("lets early stopping end as without a cut", async () => {
    let cuts = 0;
    for (const one of golden.earlyStopping) {
      const rows = rowsOf(one);
      for (let cut = 1; cut <= one.last; cut++, cuts++) {
        const first = new EarlyStopping(ourOptions(one.options));
        await replay(first, new FakeModel(), rows.slice(0, cut));
        const second = new EarlyStopping(ourOptions(one.options));
        second.setState({ ...saved(first), bestWeights: first.bestWeights ?? null });
        const model = new FakeModel();
        let last = -1;
        const rest = rows.slice(cut);
        await replay(second, model, rest, (epoch) => (last = epoch), cut);
        const { stoppedEpoch, bestEpoch } = second;
        expect([last, stoppedEpoch, bestEpoch, model.restored]).toEqual([
          one.last,
          one.stopped,
          one.bestEpoch,
          one.restored,
        ]);
      }
    }
    expect(cuts).toBeGreaterThan(100);
  });

  it("lets the rate fall as without a cut", async () => {
    for (const one of golden.reduceLROnPlateau)
      for (let cut = 1; cut < one.waits.length; cut++) {
        const rows = rowsOf(one);
        const model = new FakeModel();
        const first = new ReduceLROnPlateau(ourOptions(one.options));
        await replay(first, model, rows.slice(0, cut));
        const second = new ReduceLROnPlateau(ourOptions(one.options));
        second.setState(saved(first));
        const waits: number[] = [];
        await replay(second, model, rows.slice(cut), () => waits.push(second.wait), cut);
        expect(waits).toEqual(one.waits.slice(cut));
        expect(second.cooldownCounter).toBe(one.cooldowns.at(-1));
        expect(model.optimizer.learningRate / one.rates.at(-1)!).toBeCloseTo(1, 5);
      }
  });

  it("holds NaN and infinities, and is needed once", async () => {
    const callback = new EarlyStopping({ monitor: "loss", patience: 9 });
    for (const best of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      await replay(callback, new FakeModel(), [{ loss: best }, { loss: 1 }]);
      const other = new EarlyStopping({ monitor: "loss", patience: 9 });
      other.setState(saved(callback));
      expect(other.best).toBe(best);
      await replay(other, new FakeModel(), [{ loss: 1 }], undefined, 2);
      expect(other.wait).toBe(2);
      await replay(other, new FakeModel(), [{ loss: 1 }], undefined, 2);
      expect(other.wait).toBe(0);
    }
  });

  it("that is none is refused", () => {
    const stop = new EarlyStopping();
    const good = stop.getState();
    expect(good).toEqual({
      wait: 0,
      stoppedEpoch: 0,
      best: null,
      bestEpoch: 0,
      bestWeights: null,
    });
    expect(() => stop.setState({ ...good, wait: -1 })).toThrow(
      "EarlyStopping setState: wait must be a whole number of at least 0, got -1.",
    );
    expect(() => stop.setState({ ...good, best: "bad" })).toThrow(
      'EarlyStopping setState: best must be a number, got "bad".',
    );
    expect(() => stop.setState({ wait: 1 })).toThrow("stoppedEpoch must be a whole number");
    expect(() => stop.setState({ ...good, bestWeights: [1] })).toThrow(
      "EarlyStopping setState: bestWeights[0] must be an array, got 1.",
    );
    expect(() => stop.setState(new ReduceLROnPlateau().getState())).toThrow(
      'EarlyStopping setState: option names must be known, got "cooldownCounter"',
    );
    const restoring = new EarlyStopping({ restoreBestWeights: true });
    expect(() => restoring.setState({ ...good, best: 1 })).toThrow(
      "EarlyStopping setState: bestWeights must be there with restoreBestWeights, got none.",
    );
  });
});
