/**
 * The registries as users see them: factories by name, and Keras's pair `serialize` and
 * `deserialize` on Keras's own config objects.
 */
import { activations as activationEntries, activationKind } from "./activations.ts";
import { constraints as constraintEntries, constraintKind } from "./constraints.ts";
import type { CustomObjects } from "./fields.ts";
import { initializers as initializerEntries, initializerKind } from "./initializers.ts";
import { losses as lossEntries, lossKind, serializeLoss } from "./losses.ts";
import { metrics as metricEntries, metricKind, serializeMetric } from "./metrics.ts";
import { optimizers as optimizerEntries, optimizerKind, serializeOptimizer } from "./optimizers.ts";
import type { Kind, Part } from "./registry.ts";
import { regularizers as regularizerEntries, regularizerKind } from "./regularizers.ts";
import { schedules as scheduleEntries, scheduleKind } from "./schedules.ts";
import { deserializePart, type Serialized, serializePart } from "./serialization.ts";

/** Parts to configs and back. */
export interface Codec<T extends Part> {
  /**
   * The part as Keras's config object `{ module, class_name, config, registered_name }`, or as a
   * name where Keras has only that.
   *
   * @throws ValueError for a user's own function that is not registered
   */
  serialize(part: T): Serialized | string;
  /**
   * The part of a config object or name, as Keras 3 or tf_keras wrote it.
   *
   * @param customObjects what unknown names mean: `{ my_loss: myLoss }`
   * @throws NameError for an unknown class: it names it, and says what to register
   */
  deserialize(config: unknown, customObjects?: CustomObjects): T;
}

const withCodec = <E extends object, T extends Part>(
  entries: E,
  kind: Kind<T>,
  serialize: (part: T) => Serialized | string = (part) => serializePart(kind, part),
): E & Codec<T> => ({
  ...entries,
  serialize,
  deserialize: (config, customObjects = {}) => deserializePart(kind, config, customObjects),
});

export const activations = withCodec(activationEntries, activationKind);
export const initializers = withCodec(initializerEntries, initializerKind);
export const regularizers = withCodec(regularizerEntries, regularizerKind);
export const constraints = withCodec(constraintEntries, constraintKind);
export const losses = withCodec(lossEntries, lossKind, serializeLoss);
export const metrics = withCodec(metricEntries, metricKind, serializeMetric);
export const optimizers = withCodec(optimizerEntries, optimizerKind, serializeOptimizer);
export const schedules = withCodec(scheduleEntries, scheduleKind);
