/** Configs in `.h5` files: of Keras 3, and of tf_keras, whose spellings both of them read. */
import { DataError, describe } from "../../base/errors.ts";
import type { H5Group } from "../../formats/hdf5.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { Json } from "../../nn/fields.ts";
import { metricKind } from "../../nn/metrics.ts";
import { nameIn } from "../../nn/registry.ts";
import { toCamelKey } from "../../nn/serialization.ts";
import { parsed } from "./antler-entry.ts";

type Config = Readonly<Record<string, unknown>>;

const isConfig = (value: unknown): value is Config =>
  typeof value === "object" && value !== null && !Array.isArray(value);

// ----------------------------------------------------------------------------------------- reading

/**
 * The model in a file, with what it is trained with in `compile_config`, as `.keras` files have it.
 *
 * @throws DataError where it has none, or no JSON
 */
export function readLegacyConfig(root: H5Group, who: string): Config {
  const model = withLayers(unregistered(jsonIn(root, "model_config", who)) as Config);
  if (root.attributes.training_config === undefined) return model;
  const training = unregistered(jsonIn(root, "training_config", who)) as Config;
  const { optimizer_config: optimizer = null, metrics, weighted_metrics: weighted } = training;
  const outputs = outputsOf(model);
  return {
    ...model,
    compile_config: {
      optimizer,
      loss: training.loss ?? null,
      loss_weights: training.loss_weights ?? null,
      metrics: perOutput(metrics, outputs),
      weighted_metrics: perOutput(weighted, outputs),
    },
  };
}

/** Keras before 2.2.3 had a sequential model's layers in the place of its config. */
const withLayers = (model: Config): Config =>
  Array.isArray(model.config) ? { ...model, config: { layers: model.config } } : model;

/** The attribute that says that a file is a whole model. */
export const hasModel = (root: H5Group): boolean => root.attributes.model_config !== undefined;

function jsonIn(root: H5Group, name: string, who: string): Config {
  const text = root.attributes[name];
  if (typeof text === "string") return parsed<Config>(new TextEncoder().encode(text), name, who);
  const received = describe(text);
  throw new DataError({ who, expected: `the attribute ${name} must be a text`, received });
}

/** `Custom>Nadam` is the class `Nadam`, registered as that. */
function unregistered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unregistered);
  if (!isConfig(value)) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, unregistered(one)] as const);
  const { class_name: name, registered_name: known } = value;
  const result = Object.fromEntries(entries);
  if (typeof name !== "string" || !name.includes(">") || typeof known === "string") return result;
  return { ...result, class_name: name.split(">").at(-1)!, registered_name: name };
}

/** Names of the outputs, where there are several. */
function outputsOf({ config }: Config): readonly string[] {
  const listed = isConfig(config) ? config.output_layers : undefined;
  if (!Array.isArray(listed) || listed.length < 2) return [];
  const names = listed.map((one) => (Array.isArray(one) ? one[0] : undefined));
  return names.every((name) => typeof name === "string") ? names : [];
}

/** Metrics as Keras 3 has them: tf_keras has a list for each output, and the outputs in the names. */
function perOutput(metrics: unknown, outputs: readonly string[]): unknown {
  if (!Array.isArray(metrics))
    return isConfig(metrics) && !("class_name" in metrics)
      ? Object.fromEntries(
          Object.entries(metrics).map(([output, one]) => [output, metricsOf(one, output)]),
        )
      : (metrics ?? null);
  if (outputs.length === 0) return metrics.flatMap((one) => metricsOf(one, undefined));
  return metrics.map((one, i) => metricsOf(one, outputs[i]));
}

/** Functions that are metrics in tf_keras, where the library's metric has another name. */
const oldFunctions: ReadonlyMap<string, string> = new Map([["log_cosh", "log_cosh_error"]]);

function metricsOf(value: unknown, output: string | undefined): unknown {
  // An output without metrics has [null] there.
  if (Array.isArray(value))
    return value.filter((one) => one !== null).map((one) => metricsOf(one, output));
  if (!isConfig(value) || !isConfig(value.config)) return value;
  const { name } = value.config;
  const isPrefixed = output !== undefined && `${name}`.startsWith(`${output}_`);
  const own = isPrefixed ? `${name}`.slice(output.length + 1) : name;
  const isWrapper = /^(MeanMetricWrapper|SumOverBatchSizeMetricWrapper)$/.test(
    `${value.class_name}`,
  );
  if (!isWrapper)
    return { ...value, config: { ...value.config, ...(isPrefixed && { name: own }) } };
  const { fn, dtype: _, ...options } = value.config;
  if (typeof fn !== "string") return value;
  const [text, wanted] = [`${own}`, oldFunctions.get(fn) ?? fn].map((one) =>
    nameIn(metricKind, toCamelKey(one)),
  );
  // A function of the user's, or what was compiled by such a name: the name is its key in logs.
  if (wanted === undefined) return fn;
  if (text === wanted || (text === "accuracy" && /accuracy$/i.test(wanted))) return own;
  return { class_name: wanted, config: { ...options, name: own } };
}

// ----------------------------------------------------------------------------------------- writing

/** What tf_keras or its older optimizers do not know, and what need not be said where it is null. */
const newerKeys = [
  "weight_decay",
  "loss_scale_factor",
  "gradient_accumulation_steps",
  "quantization_config",
  "input_axes",
  "output_axes",
];
/** What says nothing where the first of them is false. */
const emaKeys = ["use_ema", "ema_momentum", "ema_overwrite_frequency"];
const renormKeys = ["renorm", "renorm_clipping", "renorm_momentum"];

/** A model's config and what it is trained with, as attributes of a `.h5`. */
export interface LegacyConfig {
  readonly model: Json;
  readonly training: Json | undefined;
}

/**
 * In spellings that Keras 3 and tf_keras both read: classes without modules, `batch_input_shape`,
 * connections as lists, no key that only Keras 3 has where it says nothing.
 */
export function legacyConfig({ class_name, config, compile_config }: ModelConfig): LegacyConfig {
  const { layers, input_layers: inputs, output_layers: outputs, ...others } = config as Config;
  const { dtype: _, trainable: __, ...kept } = others;
  const model = {
    class_name,
    config: {
      ...kept,
      layers: (layers as Config[]).map(legacyLayer),
      ...(inputs !== undefined && { input_layers: listed(inputs), output_layers: listed(outputs) }),
    },
  };
  const training = compile_config && legacyTraining(compile_config as Config);
  return { model: model as unknown as Json, training: training as Json | undefined };
}

/** A single end is a list of one in tf_keras. */
const listed = (ends: unknown): unknown =>
  Array.isArray(ends) && typeof ends[0] === "string" ? [ends] : ends;

function legacyLayer(layer: Config): Config {
  const { inbound_nodes: nodes, name } = layer;
  const { config, ...others } = isNewForm(layer) ? layer : legacyPart(layer);
  return {
    ...others,
    config: legacyOptions(`${layer.class_name}`, config as Config),
    ...(name !== undefined && { name }),
    ...(nodes !== undefined && { inbound_nodes: (nodes as Config[]).map(legacyNode) }),
  };
}

/** Keras 3 loses an `axis` of several dimensions unless it reads the layer in its newer form. */
const isNewForm = ({ config }: Config): boolean => {
  const { axis } = config as Config;
  return Array.isArray(axis) && axis.length > 1;
};

/** `{ class_name, config }`, with the package in front of a registered class. */
function legacyPart({ class_name, registered_name: registered, config }: Config): Config {
  return { class_name: typeof registered === "string" ? registered : class_name, config };
}

function legacyOptions(className: string, options: Config): Config {
  const { batch_shape: shape, negative_slope: slope, ...others } = withoutNewer(options);
  const known = withoutIfFalse(withoutIfFalse(others, renormKeys), ["rms_scaling"]);
  return {
    ...known,
    ...(shape !== undefined && { batch_input_shape: shape }),
    ...(slope !== undefined && { [className === "LeakyReLU" ? "alpha" : "negative_slope"]: slope }),
  };
}

const without = (config: Config, keys: readonly string[]): Config =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !keys.includes(key)));

const withoutIfFalse = (config: Config, keys: readonly string[]): Config =>
  config[keys[0]] === false ? without(config, keys) : config;

/** Without keys that only Keras 3 has and that say nothing, in parts of parts too. */
function withoutNewer(config: Config): Config {
  const deep = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(deep);
    return isConfig(value) ? withoutNewer(value) : value;
  };
  const known = Object.entries(config).filter(
    ([key, value]) => value !== null || !newerKeys.includes(key),
  );
  return Object.fromEntries(known.map(([key, value]) => [key, deep(value)]));
}

/** `[[layer, node, tensor, {}], ...]`. A list of one tensor keeps Keras 3's form, which says so. */
function legacyNode(node: Config): unknown {
  const [input] = node.args as [unknown];
  if (Array.isArray(input) && input.length === 1) return node;
  const tensors = (Array.isArray(input) ? input : [input]) as { config: Config }[];
  return tensors.map(({ config }) => [...(config.keras_history as unknown[]), {}]);
}

function legacyTraining({ optimizer, ...others }: Config): Config {
  const parts = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(parts);
    if (!isConfig(value)) return value;
    if (!("class_name" in value))
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, parts(one)]));
    const { config, ...part } = legacyPart(value);
    return { ...part, config: without(config as Config, ["dtype"]) };
  };
  const { config, ...part } = isConfig(optimizer)
    ? legacyPart(optimizer)
    : { class_name: optimizer, config: {} };
  return {
    loss: parts(others.loss),
    loss_weights: others.loss_weights ?? null,
    metrics: parts(others.metrics),
    weighted_metrics: parts(others.weighted_metrics),
    optimizer_config: { ...part, config: withoutIfFalse(withoutNewer(config as Config), emaKeys) },
  };
}
