/** Models of configs. */
import { DataError } from "../base/errors.ts";
import type { HostArray } from "../base/host-array.ts";
import { compileOptions } from "../model/compile-config.ts";
import { configuredModel } from "../model/read-config.ts";
import type { CustomObjects } from "../nn/fields.ts";
import { settings } from "../nn/options.ts";
import type { Model } from "./model.ts";
import { type ModelOptions, makeNet } from "./options.ts";
import { modelOf } from "./sequential.ts";

/** Options of `modelFromJson`. */
export interface FromJsonOptions extends Omit<ModelOptions, "name"> {
  /** Classes and functions by name, for what is not the library's: `{ MyLayer }`. */
  readonly customObjects?: CustomObjects;
}

/**
 * A model of a config: what `model.toJson` wrote, or `model.to_json()` of Keras 3 or tf_keras. Its
 * weights are drawn anew; it is compiled where the config says with what. An output in a list of one
 * is read as that output alone, as Keras takes it.
 *
 * @param json the text, or what `JSON.parse` made of it
 * @throws DataError where it is no model's config or has parts that are no layers (models inside of
 *   models, Keras's operations, calls with arguments), NameError for an unknown class: it names the
 *   class and what to register
 * @example const copy = modelFromJson(model.toJson());
 */
export function modelFromJson(json: string | object, options: FromJsonOptions = {}): Model {
  const who = "modelFromJson";
  const defaults = { customObjects: {}, seed: undefined, engine: undefined };
  const given = settings<FromJsonOptions, typeof defaults>(options, defaults, who);
  const config: unknown = typeof json === "string" ? parsed(json, who) : json;
  const { topology, name, hasListOfOutputs } = configuredModel(config, given.customObjects);
  const model = modelOf<HostArray>(makeNet(topology, { ...given, name }, who, hasListOfOutputs));
  const compiled = (config as { compile_config?: unknown }).compile_config;
  const compileWith = compileOptions(compiled, given.customObjects);
  if (compileWith) model.compile(compileWith);
  return model;
}

function parsed(text: string, who: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError({
      who,
      expected: "JSON",
      received: (error as Error).message,
      cause: error,
    });
  }
}
