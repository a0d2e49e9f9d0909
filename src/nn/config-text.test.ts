import { describe, expect, it } from "vitest";
import { configText } from "./config-text.ts";
import { optimizers, serializeOptimizer } from "./optimizers.ts";
import { schedules } from "./schedules.ts";

describe("the text of a config", () => {
  it("has floats where Keras wants them, and is JSON of the same values", () => {
    const learningRate = schedules.piecewiseConstantDecay({ boundaries: [3], values: [1, 0.5] });
    const config = serializeOptimizer(optimizers.sgd({ learningRate, momentum: 1 }));
    const text = configText(config);
    expect(text).toContain('"momentum":1.0,');
    expect(text).toContain('"boundaries":[3],"values":[1.0,0.5]');
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(config)));
    expect(configText(serializeOptimizer(optimizers.adam({ learningRate: 1 })))).toContain(
      '"learning_rate":1.0,',
    );
  });

  it("writes all else as JSON.stringify does", () => {
    const value = {
      units: 3,
      name: 'a "b"\n',
      list: [null, true, 1e30, -2],
      off: undefined,
      x: {},
    };
    expect(configText(value)).toBe(JSON.stringify(value));
    expect(configText({ learning_rate: 1e30, momentum: null, values: "3" })).toBe(
      '{"learning_rate":1e+30,"momentum":null,"values":"3"}',
    );
  });
});
