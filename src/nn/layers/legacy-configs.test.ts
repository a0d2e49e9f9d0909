/** Configs of tf_keras (Keras 2), as its files have them: see tools/golden/layers_legacy.py. */
import { describe, expect, it } from "vitest";
import type { Shape } from "../../base/shape.ts";
import { deserializeLayer, serializeLayer } from "../layer-registry.ts";
import { golden } from "../values.case.ts";

interface Config {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

interface Legacy {
  /** In `model.to_json`. */
  readonly toJson: Config;
  /** In a .keras file. */
  readonly keras: Config;
  readonly inputs: readonly Shape[];
}

const { layers } = golden<{ layers: readonly Legacy[] }>("layers-legacy.json");

/** What Keras 3 writes in another way. */
const renamed: Readonly<Record<string, string>> = { alpha: "negative_slope" };

/** What has no option here. */
const ignored = new Set(["dtype", "batch_input_shape"]);

/** Class names and options of parts, without where they come from. */
const places = new Set(["module", "registered_name"]);

function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key, item]) => item !== null && !places.has(key));
  return Object.fromEntries(entries.map(([key, item]) => [key, bare(item)]));
}

describe("configs of tf_keras are read", () => {
  for (const [i, { toJson, keras, inputs }] of layers.entries())
    it(`${i}: ${toJson.class_name}`, () => {
      for (const given of [toJson, keras]) {
        const layer = deserializeLayer(given);
        const shapes = inputs.length > 1 ? inputs : inputs[0];
        layer.buildFor(shapes as never, { path: "layer", seed: 1 });
        const { class_name, config } = serializeLayer(layer);
        expect(class_name).toBe(given.class_name);
        for (const [key, value] of Object.entries(given.config)) {
          const isLeaky = class_name === "LeakyReLU" && key === "alpha";
          const found = config as Readonly<Record<string, unknown>>;
          const written = found[isLeaky ? renamed[key] : key];
          if (value === null || ignored.has(key)) continue;
          // Batch normalization writes the axis that it was built for, as a list.
          const isAxis = class_name === "BatchNormalization" && key === "axis";
          expect(bare(isAxis ? [written] : written), key).toEqual(bare(value));
        }
        expect(serializeLayer(deserializeLayer(serializeLayer(layer)))).toEqual(
          serializeLayer(layer),
        );
      }
    });
});
