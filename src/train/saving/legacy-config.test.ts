/** Configs as tf_keras 2.21 writes them into `.h5` files. */
import { describe, expect, it } from "vitest";
import type { H5Group } from "../../formats/hdf5.ts";
import { readLegacyConfig } from "./legacy-config.ts";

const rootOf = (model: object, training?: object): H5Group => ({
  kind: "group",
  attributes: {
    model_config: JSON.stringify(model),
    ...(training && { training_config: JSON.stringify(training) }),
  },
  children: {},
});

const wrapper = (name: string, fn: string, options = {}) => ({
  class_name: "MeanMetricWrapper",
  config: { name, dtype: "float32", fn, ...options },
});

const adam = { class_name: "Custom>Adam", config: { name: "Adam", is_legacy_optimizer: false } };
const sequential = { class_name: "Sequential", config: { name: "s", layers: [] } };
const ends = {
  class_name: "Functional",
  config: {
    name: "ends",
    output_layers: [
      ["kind", 0, 0],
      ["value", 0, 0],
    ],
  },
};

const compiled = (model: object, training: object) =>
  (readLegacyConfig(rootOf(model, training), "file") as { compile_config: unknown }).compile_config;

describe("readLegacyConfig", () => {
  it("has the names that metrics were compiled by", () => {
    const metrics = [
      [
        wrapper("accuracy", "sparse_categorical_accuracy"),
        wrapper("acc", "binary_accuracy"),
        wrapper("mse", "mean_squared_error"),
        wrapper("mine", "mean_absolute_error"),
        wrapper("logcosh", "log_cosh"),
        wrapper("b", "binary_crossentropy", { from_logits: true }),
        wrapper("constructor", "constructor"),
        { class_name: "AUC", config: { name: "auc_1", num_thresholds: 50 } },
      ],
    ];
    const training = { loss: "mse", metrics, weighted_metrics: null, optimizer_config: adam };
    expect(compiled(sequential, training)).toEqual({
      optimizer: { class_name: "Adam", registered_name: "Custom>Adam", config: adam.config },
      loss: "mse",
      loss_weights: null,
      metrics: [
        "accuracy",
        "acc",
        "mse",
        { class_name: "meanAbsoluteError", config: { name: "mine" } },
        { class_name: "logCoshError", config: { name: "logcosh" } },
        { class_name: "binaryCrossentropy", config: { name: "b", from_logits: true } },
        "constructor",
        { class_name: "AUC", config: { name: "auc_1", num_thresholds: 50 } },
      ],
      weighted_metrics: null,
    });
  });

  it("takes the outputs out of the names, in lists and in objects", () => {
    const kind = wrapper("kind_accuracy", "sparse_categorical_accuracy");
    const value = { class_name: "MeanSquaredError", config: { name: "value_mean_squared_error" } };
    const mse = { class_name: "MeanSquaredError", config: { name: "mean_squared_error" } };
    const training = { loss: {}, metrics: [[kind], [value]], optimizer_config: adam };
    expect(compiled(ends, training)).toMatchObject({ metrics: [["accuracy"], [mse]] });
    const held = { ...training, weighted_metrics: [[null], [value]] };
    expect(compiled(ends, held)).toMatchObject({ weighted_metrics: [[], [mse]] });
    const named = { ...training, metrics: { kind: [kind], value: [value] } };
    expect(compiled(ends, named)).toMatchObject({ metrics: { kind: ["accuracy"], value: [mse] } });
  });

  it("knows registered classes by their package, in layers too", () => {
    const layer = { class_name: "mine>Shift", config: { name: "shift" } };
    const model = { class_name: "Sequential", config: { layers: [layer] } };
    expect(readLegacyConfig(rootOf(model), "file")).toEqual({
      class_name: "Sequential",
      config: { layers: [{ ...layer, class_name: "Shift", registered_name: "mine>Shift" }] },
    });
  });

  it("says what is no config", () => {
    const root: H5Group = { kind: "group", attributes: { model_config: 3 }, children: {} };
    expect(() => readLegacyConfig(root, "m.h5")).toThrow(
      "m.h5: the attribute model_config must be a text, got 3.",
    );
    const list: H5Group = { ...root, attributes: { model_config: "[1]" } };
    expect(() => readLegacyConfig(list, "m.h5")).toThrow(
      "m.h5: model_config must be an object, got [1].",
    );
  });
});
