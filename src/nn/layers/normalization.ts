import { ShapeError, StateError, ValueError } from "../../base/errors.ts";
import { formatShape, type Shape, sameShape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { readVariables, type Variable, writeVariables } from "../../tensor/variable.ts";
import type { CallContext } from "../context.ts";
import { boolean, type Field, optional, type ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  type BuildContext,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import {
  breaks,
  otherNormalization,
  type SelfNormalizing,
  type SelfNormalizingSignal,
} from "../self-normalizing.ts";
import { type Axes, axesField, positionsOf, spread } from "./axes.ts";
import {
  checkBroadcasts,
  type FixedNumbers,
  FixedTensor,
  type Numbers,
  numbersField,
} from "./fixed-numbers.ts";
import { type AdaptData, featuresAlong, type Statistics, statisticsOf } from "./statistics.ts";

/** Options of `layers.normalization`. */
export interface NormalizationOptions extends LayerOptions, ActivityOptions {
  /**
   * The dimensions along which each place has a mean and variance of its own; null: one of each
   * for all numbers. Default: -1, the last.
   */
  readonly axis?: Axes | null;
  /** Instead of `adapt`, with `variance`: a number, or an array of the sizes along `axis`. */
  readonly mean?: Numbers;
  /** As `mean`; at least 0. */
  readonly variance?: Numbers;
  /** Whether inputs are brought back: y = mean + x deviation. Default: false. */
  readonly invert?: boolean;
}

/** A list, as in Keras's configs; an empty one for null. */
const axisField: Field<readonly number[]> = {
  initial: -1,
  read: (value, name, who) => {
    const isNone = value === null || (Array.isArray(value) && value.length === 0);
    return isNone ? [] : [axesField().read(value, name, who)].flat();
  },
};

/** A deviation below this counts as this, as in Keras. */
const leastDeviation = 1e-7;

/**
 * y = (x - mean) / sqrt(variance), by statistics of a data set that are fixed before training: those
 * that `adapt` finds, or `mean` and `variance`. Bytes stay bytes on the device until the step that
 * takes them. Weights, none of which is trained: mean, variance, count (unused, as in Keras); none
 * where mean and variance are options.
 *
 * @throws ValueError where only one of mean and variance is given, or their shapes differ
 * @example
 * const layer = layers.normalization({ axis: [1, 2, 3] });
 * await layer.adapt(images);
 */
export class Normalization extends Layer {
  static override readonly className: string = "Normalization";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    axis: axisField,
    mean: optional(numbersField()),
    variance: optional(numbersField(undefined, { from: 0 })),
    invert: boolean(false),
  };

  declare readonly options: ValuesOf<typeof Normalization.fields>;
  mean: Variable | undefined;
  variance: Variable | undefined;
  #given: { readonly mean: FixedTensor; readonly variance: FixedTensor } | undefined;
  /** What the layer was built for. */
  #sampleShape: Shape | undefined;
  /** What `adapt` found before `build`. */
  #adapted: Statistics | undefined;

  constructor(options: NormalizationOptions = {}) {
    super(options);
    const { mean, variance } = this.options;
    if ((mean === undefined) !== (variance === undefined))
      throw new ValueError({
        who: this.label,
        expected: "mean and variance must be given both or neither",
        received: mean ? "mean alone" : "variance alone",
      });
    if (mean && variance && !sameShape(mean.shape, variance.shape))
      throw new ShapeError({
        who: this.label,
        expected: "mean and variance must have one shape",
        received: `${formatShape(mean.shape)} and ${formatShape(variance.shape)}`,
      });
  }

  override build(inputShape: Shape, { path }: BuildContext): void {
    const kept = this.#positions(inputShape).map((position) => inputShape[position - 1]!);
    const { mean, variance } = this.options;
    this.#sampleShape = inputShape;
    if (mean && variance) {
      checkBroadcasts(mean.shape, kept, "mean", this.label);
      const fixed = (numbers: FixedNumbers, name: string) =>
        new FixedTensor(numbers, `${path}/${name}`);
      this.#given = { mean: fixed(mean, "mean"), variance: fixed(variance, "variance") };
      return;
    }
    const adapted = this.#adapted;
    if (adapted) this.#checkKept(inputShape, adapted.sampleShape, "inputs");
    const weight = (name: string, initializer: "zeros" | "ones", values?: Float64Array) =>
      this.addWeight({
        name,
        shape: kept,
        initializer: values ? () => values : initializer,
        trainable: false,
      });
    this.mean = weight("mean", "zeros", adapted?.mean);
    this.variance = weight("variance", "ones", adapted?.variance);
    this.addWeight({ name: "count", shape: [], initializer: "zeros", trainable: false });
  }

  /**
   * Takes mean and variance from data: over all dimensions but `axis`, in doubles, one pass. Before
   * or after the layer is built; a second call starts anew.
   *
   * @param data an array of samples, or a `Dataset`, of which the inputs count
   * @throws StateError where mean and variance are options
   * @throws ShapeError where samples do not fit the layer, DataError where one holds a NaN
   */
  async adapt(data: AdaptData): Promise<void> {
    const who = `${this.label} adapt`;
    if (this.options.mean)
      throw new StateError({
        who,
        expected: "a layer without the options mean and variance",
        received: "one whose statistics are given",
      });
    const found = await statisticsOf(
      data,
      (sampleShape) => {
        if (this.#sampleShape) this.#checkKept(this.#sampleShape, sampleShape, "data");
        const kept = this.#positions(sampleShape).map((position) => position - 1);
        return featuresAlong(sampleShape, kept);
      },
      who,
    );
    this.#adapted = found;
    if (!this.mean || !this.variance) return;
    const values = [found.mean, found.variance].map((list) => new Float32Array(list));
    await writeVariables([this.mean, this.variance], values);
  }

  call(x: Tensor, { trace }: CallContext): Tensor {
    const positions = this.#positions(x.shape.slice(1));
    const read = (variable: Variable | undefined, given: FixedTensor | undefined): Tensor => {
      const value = variable ? trace.read(variable) : given!.read(trace);
      // Given numbers may have fewer dimensions: they meet the last ones of axis.
      return spread(value, positions.slice(positions.length - value.rank), x.rank);
    };
    const mean = read(this.mean, this.#given?.mean);
    const variance = read(this.variance, this.#given?.variance);
    const deviation = variance.squareRoot().maximum(leastDeviation);
    if (this.options.invert) return x.multiply(deviation).add(mean);
    return x.subtract(mean).multiply(deviation.reciprocal());
  }

  override async selfNormalizing(previous: SelfNormalizingSignal): Promise<SelfNormalizing> {
    if (previous !== "inputs" && previous !== "standardized") return otherNormalization();
    if (this.options.invert)
      return {
        makes: "inputs",
        ...breaks("it brings standardized inputs back", "Use it without invert."),
      };
    return { makes: (await this.#hasStatistics()) ? "standardized" : "inputs" };
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  /** Whether mean and variance are those of some data: not 0 and 1 everywhere, as they begin. */
  async #hasStatistics(): Promise<boolean> {
    if (this.options.mean || this.#adapted) return true;
    if (!this.mean || !this.variance) return false;
    const [mean, variance] = await readVariables([this.mean, this.variance]);
    return !mean.data.every((x) => x === 0) || !variance.data.every((x) => x === 1);
  }

  #positions(inputShape: Shape): number[] {
    return positionsOf(this.options.axis, inputShape, this.label);
  }

  /** Throws a ShapeError where the sizes along `axis` differ. */
  #checkKept(built: Shape, given: Shape, what: string): void {
    const along = (shape: Shape) => this.#positions(shape).map((position) => shape[position - 1]);
    if (built.length === given.length && sameShape(along(built) as Shape, along(given) as Shape))
      return;
    const [expected, received] = what === "data" ? [built, given] : [given, built];
    throw new ShapeError({
      who: what === "data" ? `${this.label} adapt` : this.label,
      expected:
        what === "data"
          ? `samples like the inputs of shape ${formatShape(expected)} that it is built for`
          : `inputs like the samples of shape ${formatShape(expected)} that it is adapted to`,
      received: formatShape(received),
    });
  }
}

/** Makes a `Normalization`. */
export const normalization = (options: NormalizationOptions = {}): Normalization =>
  new Normalization(options);
