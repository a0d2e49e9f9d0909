/** Options of layers, as fields. */
import { describe, ValueError } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";
import { constraintKind } from "./constraints.ts";
import { boolean, type Field, optional } from "./fields.ts";
import { checkInputShape } from "./layer-shapes.ts";
import { type RegularizerInput, regularizerKind } from "./regularizers.ts";
import { partField } from "./serialization.ts";

/** Options that every layer takes. */
export interface LayerOptions {
  /** Unique within a model. Default: the class in snake case, counted: `dense`, `dense_1`. */
  readonly name?: string;
  /** Whether the optimizer changes its weights; may be set later too. Default: true. */
  readonly trainable?: boolean;
  /** Shape of one sample, without the batch: on a model's first layer it builds the model. */
  readonly inputShape?: Shape;
}

/** The options of layers that take a penalty on what they return. */
export interface ActivityOptions {
  /** Of the output of a batch, divided by its size and added to the loss. Default: none. */
  readonly activityRegularizer?: RegularizerInput;
}

const nameField: Field<string | undefined> = {
  read: (value, _, who) => {
    if (value === undefined || (typeof value === "string" && /^[^/]+$/.test(value)))
      return value as string | undefined;
    throw new ValueError({
      who,
      expected: "name must be a text without slashes",
      received: describe(value),
    });
  },
};

const inputShapeField: Field<Shape | undefined> = {
  // Keras has it in the config of an InputLayer, and older versions in the first layer's.
  key: null,
  read: (value, _, who) => {
    if (value !== undefined) checkInputShape(value, who);
    return value as Shape | undefined;
  },
};

/** The fields of every layer's options. */
export const layerFields = {
  name: nameField,
  trainable: boolean(true),
  inputShape: inputShapeField,
} as const;

/** An option that takes a regularizer; Keras writes null where there is none. */
export const regularizerField = optional(partField(regularizerKind));

/** An option that takes a constraint. */
export const constraintField = optional(partField(constraintKind));

/** The fields of `ActivityOptions`. */
export const activityFields = { activityRegularizer: regularizerField } as const;
