import { expect, it, describe as suite } from "vitest";
import {
  AntlerError,
  DataError,
  DeviceError,
  describe,
  MemoryError,
  NameError,
  nearest,
  ShapeError,
  StateError,
  ValueError,
} from "./errors.ts";

suite("errors", () => {
  it("say who, what was expected, what came and how to fix it, and keep the parts", () => {
    const cause = new Error("below");
    const error = new ValueError({
      who: 'AlphaDropout "alpha_dropout_1"',
      expected: "rate must be in [0, 1)",
      received: "1.5",
      fix: "Example: layers.alphaDropout({ rate: 0.1 })",
      cause,
    });
    expect(error.message).toBe(
      'AlphaDropout "alpha_dropout_1": rate must be in [0, 1), got 1.5. ' +
        "Example: layers.alphaDropout({ rate: 0.1 })",
    );
    expect(error.who).toBe('AlphaDropout "alpha_dropout_1"');
    expect(error.expected).toBe("rate must be in [0, 1)");
    expect(error.received).toBe("1.5");
    expect(error.fix).toBe("Example: layers.alphaDropout({ rate: 0.1 })");
    expect(error.cause).toBe(cause);
  });

  it("have no fix and no cause where none was given", () => {
    const error = new StateError({
      who: "fit",
      expected: "compile must come first",
      received: "x",
    });
    expect(error.message).toBe("fit: compile must come first, got x.");
    expect(error.fix).toBeUndefined();
    expect("cause" in error).toBe(false);
  });

  it("are named as their classes, in the first line of the stack too", () => {
    const classes = { AntlerError, ShapeError, ValueError, NameError, StateError } as const;
    const more = { DataError, MemoryError, DeviceError } as const;
    for (const [name, Class] of Object.entries({ ...classes, ...more })) {
      const error = new Class({ who: "a", expected: "b", received: "c" });
      expect(error.name).toBe(name);
      expect(error.stack).toMatch(new RegExp(`^${name}: a: b, got c\\.`));
      expect(error).toBeInstanceOf(AntlerError);
      expect(error).toBeInstanceOf(Error);
    }
  });

  it("name the nearest known name, or all of them", () => {
    const parts = { who: "dense", expected: "activation must be known" };
    const known = ["elu", "relu", "softmax"];
    const near = new NameError({ ...parts, received: '"sofmax"', known });
    expect(near.message).toBe(
      'dense: activation must be known, got "sofmax". Did you mean "softmax"?',
    );
    expect(near.suggestion).toBe("softmax");
    const far = new NameError({ ...parts, received: '"zzzzz"', known });
    expect(far.message).toBe(
      'dense: activation must be known, got "zzzzz". Known names: elu, relu, softmax.',
    );
    expect(far.suggestion).toBeUndefined();
  });
});

suite("nearest", () => {
  const names = ["learningRate", "batchSize", "elu", "relu", "sparseCategoricalCrossentropy"];

  it("finds misspelt names", () => {
    expect(nearest("learnignRate", names)).toBe("learningRate");
    expect(nearest("batch_size", names)).toBe("batchSize");
    expect(nearest("BATCHSIZE", names)).toBe("batchSize");
    expect(nearest("sparse_categorical_crossentropy", names)).toBe("sparseCategoricalCrossentropy");
    expect(nearest("eluu", names)).toBe("elu");
  });

  it("finds nothing where nothing is near", () => {
    expect(nearest("epochs", names)).toBeUndefined();
    expect(nearest("", names)).toBeUndefined();
    expect(nearest("elu", [])).toBeUndefined();
  });
});

suite("describe", () => {
  class Layer {}

  it.each([
    ["elu", '"elu"'],
    ["x".repeat(80), `"${"x".repeat(60)}..."`],
    [1.5, "1.5"],
    [-0, "-0"],
    [Number.NaN, "NaN"],
    [10n, "10n"],
    [undefined, "undefined"],
    [null, "null"],
    [[1, "a", null], '[1, "a", null]'],
    [[[1], [2]], "an array of length 2"],
    [new Array(9).fill(0), "an array of length 9"],
    [new Float32Array(3), "Float32Array(3)"],
    [new DataView(new ArrayBuffer(4)), "DataView(4)"],
    [{ data: new Uint8Array(6), shape: [2, 3] }, "Uint8Array(6) of shape [2, 3]"],
    [{}, "{}"],
    [{ a: 1, b: 2 }, "an object with a, b"],
    [Object.create(null), "{}"],
    [new Layer(), "an instance of Layer"],
    [new Error("no"), 'Error "no"'],
    [Layer, "function Layer"],
    [() => 0, "a function"],
  ])("renders %o", (value, text) => {
    expect(describe(value)).toBe(text);
  });
});
