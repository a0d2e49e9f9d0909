/** Layers as Keras's config objects, and back. */
import { NameError, ValueError } from "../base/errors.ts";
import type { CustomObjects, Json } from "./fields.ts";
import { Layer } from "./layer.ts";
import * as library from "./layers/index.ts";
import {
  customNamed,
  fromConfig,
  namedConfig,
  registeredNameOf,
  type Serialized,
} from "./serialization.ts";

/** A class of layers, as configs need it. */
export interface LayerClass {
  new (options: never): Layer<never>;
  readonly className: string;
  readonly fields: typeof Layer.fields;
  /** Makes a layer of its config. Default: the options in `fields`, in camelCase. */
  fromConfig?(config: Readonly<Record<string, Json>>): Layer<never>;
}

const isLayerClass = (value: unknown): value is LayerClass =>
  typeof value === "function" && value.prototype instanceof Layer;

/** The library's classes, by Keras's names. */
const classes: ReadonlyMap<string, LayerClass> = new Map(
  Object.values(library as Readonly<Record<string, unknown>>)
    .filter(isLayerClass)
    .map((one) => [one.className, one]),
);

/** Keys that Keras has in every layer's config, and that change nothing here. */
const ignoredKeys = [
  ...["dtype", "autocast", "batch_input_shape", "batch_shape"],
  ...["sparse", "ragged", "optional"],
];

/** A layer as Keras's config object. A user's class must be registered, or be given back by name. */
export function serializeLayer(layer: Layer<never>): Serialized {
  const one = layer.constructor as unknown as LayerClass;
  const isOurs = classes.get(layer.className) === one;
  const registered = registeredNameOf(one);
  return {
    module: isOurs ? "keras.layers" : null,
    class_name: layer.className,
    config: layer.getConfig(),
    registered_name: isOurs ? null : (registered ?? layer.className),
  };
}

/**
 * The layer of a config object, unbuilt: of Keras 3, tf_keras or Antler.
 *
 * @param custom classes by name, for layers that are not the library's
 * @throws NameError for an unknown class, which it names with what to register
 */
export function deserializeLayer(value: unknown, custom: CustomObjects = {}): Layer<never> {
  const who = "deserialize layer";
  const { name, config } = namedConfig(value, who);
  const found = custom[name] ?? customNamed(name, value) ?? classes.get(name);
  if (found === undefined)
    throw new NameError({
      who,
      expected: "class_name must be a layer of the library or a registered one",
      received: `"${name}"`,
      known: [...classes.keys()],
      fix: `Pass customObjects: { ${name} } or call registerSerializable(${name}) first.`,
    });
  if (!isLayerClass(found))
    throw new ValueError({
      who,
      expected: `${name} must be a class that extends Layer`,
      received: typeof found,
    });
  if (Object.hasOwn(found, "fromConfig")) return found.fromConfig!(config as Record<string, Json>);
  const ignored = found.fields.batch_shape ? ["dtype"] : ignoredKeys;
  const options = fromConfig(found.fields, config, custom, `${name} config`, ignored);
  return new found(options as never);
}
