/** The model that users hold: each method is one call down. */
import type { Dataset } from "../base/dataset.ts";
import { StateError } from "../base/errors.ts";
import type { ArrayInput, HostArray } from "../base/host-array.ts";
import type { Shape } from "../base/shape.ts";
import type { CompileOptions } from "../model/compiled.ts";
import { modelConfig } from "../model/config.ts";
import type { WeightOptions } from "../model/data.ts";
import { type BatchOptions, type EvaluateOptions, evaluate } from "../model/evaluate.ts";
import { type McPredictOptions, mcPredict } from "../model/mc-predict.ts";
import type { McPrediction } from "../model/mc-totals.ts";
import type { Net } from "../model/net.ts";
import { predictOnBatch, testOnBatch } from "../model/on-batch.ts";
import { predict } from "../model/predict.ts";
import type { DataInput } from "../model/rows.ts";
import {
  checkSelfNormalizing,
  type SelfNormalizingOptions,
  type SelfNormalizingReport,
} from "../model/self-normalizing.ts";
import { summary } from "../model/summary.ts";
import type { Logs } from "../model/totals.ts";
import { getWeights, setWeights } from "../model/weights.ts";
import { configText } from "../nn/config-text.ts";
import { type AnyLayer, checkInputShape } from "../nn/layer.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import { checkBoolean, settings } from "../nn/options.ts";
import type { Variable } from "../tensor/variable.ts";
import type { TrainedModel } from "../train/callbacks.ts";
import { fitModel } from "../train/fit.ts";
import type { FitOptions } from "../train/fit-options.ts";
import type { History } from "../train/history.ts";
import { type FileInput, loadWeights } from "../train/saving/load.ts";
import {
  type FileFormat,
  modelBytes,
  type SaveOptions,
  saveModel,
  saveWeights,
} from "../train/saving/save.ts";
import { trainOnBatch } from "../train/train-on-batch.ts";

/** Options of `summary`. */
export interface SummaryOptions {
  /** Whether the table is printed, with `console.log`. Default: true. */
  readonly print?: boolean;
}

/** Options of `loadWeights`. */
export interface LoadWeightsOptions {
  /**
   * Whether the optimizer's state is loaded with the weights: true must find one that fits, false
   * leaves it as it is. Default: it is loaded where the model is compiled and the file has one that
   * fits, as in Keras.
   */
  readonly optimizer?: boolean;
  /** Takes weights with NaN and infinities, which are an error else. Default: false. */
  readonly allowNonFinite?: boolean;
}

/**
 * A model: layers, trained and asked. Made by `sequential` and `model`.
 *
 * Data is a host array, `{ data, shape }` with any typed array, or nested arrays of numbers; what
 * comes back are plain copies.
 */
export class Model<Output extends HostArray | HostArray[] = HostArray> implements TrainedModel {
  /** The model below its methods, for tools. */
  readonly net: Net;
  stopTraining = false;
  /** Of the fit that runs, or of the last one, also where that failed. */
  history: History | undefined;

  constructor(net: Net) {
    this.net = net;
  }

  get name(): string {
    return this.net.name;
  }

  /** What its weights are drawn from, and the default for the order and noise of a fit. */
  get seed(): number {
    return this.net.seed;
  }

  get layers(): readonly AnyLayer[] {
    return this.net.topology.layers;
  }

  /** All weights in Keras's order: layer by layer, the trainable ones first. */
  get weights(): readonly Variable[] {
    return this.net.weights;
  }

  get trainableWeights(): readonly Variable[] {
    return this.net.trainableWeights;
  }

  /** What it was compiled with. Throws a StateError before `compile`. */
  get optimizer(): Optimizer {
    return this.net.compiledFor("optimizer").optimizer;
  }

  /** Shape of one sample of the (first) input. Throws a StateError before the model is built. */
  get inputShape(): Shape {
    return this.net.topology.inputShapes[0];
  }

  /** Shapes of one sample of all inputs. Throws a StateError before the model is built. */
  get inputShapes(): readonly Shape[] {
    return this.net.topology.inputShapes;
  }

  /** Shape of one sample of the (first) output. Throws a StateError before the model is built. */
  get outputShape(): Shape {
    return this.net.topology.outputShapes[0];
  }

  /** Shapes of one sample of all outputs. Throws a StateError before the model is built. */
  get outputShapes(): readonly Shape[] {
    return this.net.topology.outputShapes;
  }

  /** Names of the inputs, for data given by name. */
  get inputNames(): readonly string[] {
    return this.net.topology.inputs.map(({ name }) => name);
  }

  /** Names of the outputs: for targets, losses and metrics given by name, and in logs. */
  get outputNames(): readonly string[] {
    return this.net.topology.outputs.map(({ name }) => name);
  }

  /**
   * Makes the weights, for inputs of this shape (of one sample). A first layer with an inputShape
   * makes it needless, and so does the first data; functional models are built from the start.
   *
   * @throws ShapeError where a layer can't follow another, StateError where the model is built for
   *   another shape
   */
  build(inputShape: Shape): void {
    checkInputShape(inputShape, "build");
    this.net.build([inputShape]);
  }

  /**
   * Sets optimizer, loss and metrics. Weights stay, and so does the state of an optimizer that is
   * given again.
   *
   * @throws NameError where a name is not known, ValueError where something is no such part or there
   *   is not one for each output, StateError while a fit runs
   * @example model.compile({ optimizer: "nadam", loss: "meanSquaredError", metrics: ["accuracy"] })
   */
  compile(options: CompileOptions = {}): void {
    this.net.compile(options);
  }

  /**
   * Trains the model.
   *
   * @param x inputs `[n, ...inputShape]`, several as a list or by name; bytes stay bytes on the
   *   device. Or a `Dataset`, whose chunks have x and y
   * @param y targets: labels `[n]` or `[n, 1]`, or values of the output's shape; several as a list
   *   or by name, where those of an output without loss and metrics may be null. None with a `Dataset`
   * @returns the numbers of each epoch: `history.loss`, `history.valLoss`, ...
   * @throws StateError before `compile` and while a fit runs, ShapeError, DataError, NameError and
   *   ValueError where data or options are bad: before anything has changed. What is wrong with a
   *   `Dataset` comes at its chunk; what it or a callback throws, ends the fit
   * @example await model.fit(x, y, { epochs: 3, validationData: [validX, validY] })
   * @example await model.fit(dataset, undefined, { epochs: 3, verbose: 1 })
   */
  async fit(
    x: DataInput | Dataset,
    y?: DataInput | undefined,
    options?: FitOptions,
  ): Promise<History> {
    this.history = await fitModel(this.net, this, x, y, options);
    return this.history;
  }

  /**
   * Loss and metrics on data, without training: `{ loss, accuracy }`; the numbers that a fit reports
   * as `valLoss` and so on. Errors: as `fit`; it may be called while a fit runs.
   */
  evaluate(
    x: DataInput | Dataset,
    y?: DataInput | undefined,
    options?: EvaluateOptions,
  ): Promise<Logs> {
    return evaluate(this.net, x, y, options);
  }

  /**
   * Outputs for inputs: `[n, ...outputShape]`; a list where the model was made with a list of
   * outputs. It needs no `compile`. A layer that draws noise here too draws anew in each call.
   *
   * @throws ShapeError, DataError, ValueError for data that does not fit
   */
  async predict(x: DataInput | Dataset, options?: BatchOptions): Promise<Output> {
    const outputs = await predict(this.net, x, options);
    return (this.net.hasListOfOutputs ? outputs : outputs[0]) as Output;
  }

  /**
   * Monte Carlo predict: draws the outputs `samples` times with noise on (dropout), while batch
   * normalization stays in inference mode, and tells their mean, spread and uncertainty:
   *
   * - `mean` = p = mean_s p_s and `standardDeviation` = sqrt(mean_s (p_s - p)^2): `[n, ...outputShape]`
   * - `predictiveEntropy` = H(p), `expectedEntropy` = mean_s H(p_s), `mutualInformation` = H(p) -
   *   mean_s H(p_s) >= 0, with H(p) = -sum_c p_c log p_c over the last dimension, in nats, 0 log 0 = 0:
   *   `[n]`. An output `[n, 1]` of numbers in [0, 1] counts as the distribution p, 1 - p. Where an
   *   output holds no distributions (regression), the three are absent.
   *
   * What comes before the first noise is computed once, whatever the model looks like. The noise is a
   * function of (seed, the layer's path, the sample, the number of the row, the element): the same
   * call gives the same result, `batchSize` and threads change no bit, more samples begin with the
   * fewer ones, and rows of a `Dataset` count on over its chunks. All samples are of the weights that
   * the call found, even if a fit runs meanwhile. (Keras has no such method, and its
   * `model(x, training=True)` also makes batch normalization use the batch.)
   *
   * Gal and Ghahramani, "Dropout as a Bayesian Approximation", 2016, https://arxiv.org/abs/1506.02142;
   * Houlsby et al., "Bayesian Active Learning for Classification and Preference Learning", 2011,
   * https://arxiv.org/abs/1112.5745; Depeweg et al., "Decomposition of Uncertainty in Bayesian Deep
   * Learning", 2018, https://arxiv.org/abs/1710.07283; Smith and Gal, "Understanding Measures of
   * Uncertainty for Adversarial Example Detection", 2018, https://arxiv.org/abs/1803.08533.
   *
   * @returns plain copies; a list where the model was made with a list of outputs
   * @throws ValueError where no output hangs on noise; ShapeError, DataError, NameError, ValueError for
   *   data and options that do not fit
   * @example const { mean, mutualInformation } = await model.mcPredict(x, { samples: 100 })
   */
  async mcPredict(
    x: DataInput | Dataset,
    options?: McPredictOptions,
  ): Promise<Output extends HostArray[] ? McPrediction[] : McPrediction> {
    const found = await mcPredict(this.net, x, options);
    const result: unknown = this.net.hasListOfOutputs ? found : found[0];
    return result as Output extends HostArray[] ? McPrediction[] : McPrediction;
  }

  /**
   * What breaks the conditions under which a net of SELUs normalizes itself: standardized inputs;
   * weights drawn with variance 1 / inputs (`lecunNormal`); SELU in every hidden layer; a sequence
   * of dense layers alone, without skip connections and normalization; no penalties, no constraints, no
   * dropout but alpha dropout. The output layer is free. Each hidden layer is asked
   * (`selfNormalizing`), a class of one's own too.
   * Klambauer, Unterthiner, Mayr and Hochreiter, "Self-Normalizing Neural Networks", 2017,
   * https://arxiv.org/abs/1706.02515.
   *
   * @returns a sentence for each problem, and what could not be checked: without `x` and an adapted
   *   Normalization that is whether the inputs are standardized, which then is no failure
   * @throws StateError before the model is built, ShapeError, DataError, ValueError where x does not fit
   * @example const { passes, problems } = await model.checkSelfNormalizing({ x })
   */
  checkSelfNormalizing(options?: SelfNormalizingOptions): Promise<SelfNormalizingReport> {
    return checkSelfNormalizing(this.net, options);
  }

  /**
   * One step of training on these samples, all in one batch: the loss and metrics of this batch,
   * before the update. Errors: as `fit`.
   */
  trainOnBatch(x: DataInput, y: DataInput, options?: WeightOptions): Promise<Logs> {
    return trainOnBatch(this.net, x, y, options);
  }

  /** Loss and metrics of these samples, all in one batch. Errors: as `fit`. */
  testOnBatch(
    x: DataInput,
    y: DataInput,
    options?: Pick<WeightOptions, "sampleWeight">,
  ): Promise<Logs> {
    return testOnBatch(this.net, x, y, options);
  }

  /** Outputs for these samples, all in one batch; as `predict` else. */
  async predictOnBatch(x: DataInput): Promise<Output> {
    const outputs = await predictOnBatch(this.net, x);
    return (this.net.hasListOfOutputs ? outputs : outputs[0]) as Output;
  }

  /** Copies of all weights, in the order of `weights`. */
  getWeights(): Promise<HostArray[]> {
    return getWeights(this.net);
  }

  /**
   * Sets all weights to copies of `weights`, or, where one does not fit, none.
   *
   * @throws ShapeError, ValueError where they do not fit; StateError while a fit runs, outside of
   *   its hooks
   */
  setWeights(weights: readonly ArrayInput[]): Promise<void> {
    return setWeights(this.net, weights);
  }

  /**
   * The model without its weights as JSON, in the form of Keras 3, which can read it; so can
   * `modelFromJson`. A model that is compiled has its optimizer, loss and metrics in it.
   *
   * @throws ValueError where a user's own function or class is not registered
   */
  toJson(): string {
    return configText(modelConfig(this.net));
  }

  /**
   * Writes the model to a file, by its ending: `.keras` (Keras's own format: layers, weights, what it
   * is trained with, the optimizer's state; and the seed and counters, so that training goes on bit
   * for bit), or `.h5` (Keras's older one). Real Keras 3 reads both. After a crash there is the old
   * file or the new one. It may be called in hooks of a fit, and beside one: what is written is the
   * state between two steps. See docs/files.md.
   *
   * @throws StateError before the model is built; ValueError for another ending, and for a user's own
   *   function or optimizer that is not registered; DataError where the file cannot be written, or is
   *   there and `overwrite` is false. The old file stays
   * @example await model.save("model.keras")
   */
  save(path: string, options?: SaveOptions): Promise<void> {
    return saveModel(this.net, path, options);
  }

  /**
   * Writes the weights to a file, by its ending: `.weights.h5` (Keras's, with the state of an
   * optimizer), or `.safetensors` (with PyTorch's names). Errors: as `save`.
   */
  saveWeights(path: string, options?: SaveOptions): Promise<void> {
    return saveWeights(this.net, path, options);
  }

  /**
   * Sets all weights to those in a file, or, where one does not fit, none: `.weights.h5`, `.keras`,
   * `.h5` and `.safetensors`, told by the content. The model must have the same layers, in the same
   * order; names of layers do not count in `.weights.h5` and `.keras`.
   *
   * @param file a path, or (in a browser) the file's bytes as Uint8Array, ArrayBuffer or Blob
   * @throws StateError before the model is built, and while a fit runs, outside of its hooks;
   *   DataError, ShapeError where the file is broken or does not fit: it names the file, the entry,
   *   what was expected and what came
   */
  async loadWeights(file: FileInput, options: LoadWeightsOptions = {}): Promise<void> {
    const defaults = { optimizer: undefined, allowNonFinite: false };
    const given = settings<LoadWeightsOptions, typeof defaults>(options, defaults, "loadWeights");
    if (given.optimizer !== undefined) checkBoolean(given.optimizer, "optimizer", "loadWeights");
    checkBoolean(given.allowNonFinite, "allowNonFinite", "loadWeights");
    await loadWeights(this.net, file, given);
  }

  /**
   * The bytes of a file, for where there are no files: "keras", "h5", "weights.h5" or "safetensors".
   * `loadModel` and `loadWeights` take them. Errors: as `save`.
   *
   * @example const blob = new Blob([await model.toBytes("keras")])
   */
  async toBytes(format: FileFormat = "keras"): Promise<Uint8Array<ArrayBuffer>> {
    return modelBytes(this.net, format);
  }

  /** The layer of this name. Throws a NameError where there is none. */
  getLayer(name: string): AnyLayer {
    return this.net.layerNamed(name);
  }

  /** How many numbers its weights have. Throws a StateError before the model is built. */
  countParams(): number {
    if (!this.net.topology.built)
      throw new StateError({
        who: "countParams",
        expected: "a model that is built",
        received: "one whose input shape is not known yet",
        fix: "Give the first layer an inputShape, or call model.build(inputShape).",
      });
    return this.weights.reduce((sum, weight) => sum + weight.size, 0);
  }

  /**
   * Keras's table of layers, shapes and parameters: printed, unless `print` is false, and returned.
   */
  summary(options: SummaryOptions = {}): string {
    const { print } = settings(options, { print: true }, "summary");
    checkBoolean(print, "print", "summary");
    const text = summary(this.net);
    if (print) console.log(text.trimEnd());
    return text;
  }
}
