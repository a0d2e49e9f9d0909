/** The base of all layers, the library's and users' own. */
import { describe, ShapeError, StateError, ValueError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../base/host-array.ts";
import { formatShape, type Shape, sameShape } from "../base/shape.ts";
import { inputSource } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Trace } from "../tensor/trace.ts";
import { readVariables, Variable, writeVariables } from "../tensor/variable.ts";
import { type Constraint, type ConstraintInput, resolveConstraint } from "./constraints.ts";
import { type CallContext, ForwardPass } from "./context.ts";
import { type Fields, type Json, readOptions } from "./fields.ts";
import { drawInitial, type InitializerInput, resolveInitializer } from "./initializers.ts";
import { type ApplyOptions, applyToArrays } from "./layer-apply.ts";
import { type LayerOptions, layerFields } from "./layer-options.ts";
import {
  checkInputShape,
  checkMemory,
  checkOutput,
  formatShapes,
  type InputShapes,
  type LayerInput,
  oneForList,
  probeBatch,
  probeInputs,
} from "./layer-shapes.ts";
import { toSnakeCase } from "./names.ts";
import { type Regularizer, type RegularizerInput, resolveRegularizer } from "./regularizers.ts";
import { breaks, type SelfNormalizing, type SelfNormalizingSignal } from "./self-normalizing.ts";
import { toConfig } from "./serialization.ts";
import { applySymbolically, type SymbolicTensor } from "./symbolic.ts";

export type { ApplyOptions } from "./layer-apply.ts";
export {
  type ActivityOptions,
  activityFields,
  constraintField,
  type LayerOptions,
  layerFields,
  regularizerField,
} from "./layer-options.ts";
export {
  checkInputShape,
  checkOutput,
  formatShapes,
  type InputShapes,
  type LayerInput,
  probeBatch,
  probeInputs,
} from "./layer-shapes.ts";

/** A layer of any inputs. */
export type AnyLayer = Layer<never>;

/** Where a layer is built: given by the model. */
export interface BuildContext {
  /** The layer's path: its class in snake case, counted by class in its model (`dense_3`). */
  readonly path: string;
  /** The model's seed. */
  readonly seed: number;
}

/** Options of `addWeight`. */
export interface WeightOptions {
  /** The last part of the weight's path, e.g. `kernel`. */
  readonly name: string;
  readonly shape: Shape;
  /** Draws the first values. Default: `glorotUniform` for matrices and above, else `zeros`. */
  readonly initializer?: InitializerInput;
  /** Has a gradient and is changed by the optimizer. Default: true. */
  readonly trainable?: boolean;
  /** A penalty on it, added to the loss. */
  readonly regularizer?: RegularizerInput | undefined;
  /** What it becomes after each update. */
  readonly constraint?: ConstraintInput | undefined;
}

/**
 * A layer: `build` makes its weights once the shape of its input is known, `call` computes its
 * output from symbolic tensors. The gradient comes by itself.
 *
 * @example
 * class Shift extends Layer {
 *   offset!: Variable;
 *   override build([size]: Shape) {
 *     this.offset = this.addWeight({ name: "offset", shape: [size], initializer: "zeros" });
 *   }
 *   call(x: Tensor, { trace }: CallContext) {
 *     return x.add(trace.read(this.offset));
 *   }
 * }
 */
export abstract class Layer<X extends LayerInput = Tensor> {
  /**
   * The name that paths, summaries and files use for the class. A class without its own is called
   * by its JavaScript name, which minifiers change: give one where seeds must survive minifying.
   */
  static readonly className: string = "Layer";

  /** The options, for layers of the library: checks, defaults and configs come from them. */
  static readonly fields: Fields = layerFields;

  /** The options in full. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The option `name`. */
  readonly givenName: string | undefined;
  /**
   * Whether the optimizer changes its weights. A frozen batch normalization works in inference mode,
   * and penalties of frozen weights do not count. A model takes a change with its next step, also in
   * a hook of a fit (in Keras with the next `compile`).
   */
  trainable: boolean;
  /** A penalty on its output, added to the loss. */
  readonly activityRegularizer: Regularizer | undefined;
  #assignedName: string | undefined;
  #buildContext: BuildContext | undefined;
  /** The shapes of its inputs, as text. */
  #builtFor: string | undefined;
  #path: string | undefined;
  readonly #weights: Variable[] = [];
  readonly #regularizers = new Map<Variable, Regularizer>();
  readonly #constraints = new Map<Variable, Constraint>();

  /**
   * @param options of every layer, and those in the class's `fields`
   * @throws NameError for an option that is not known, ValueError and ShapeError for a bad one
   */
  constructor(options: object = {}) {
    const { fields } = new.target;
    const name = (options as LayerOptions | null)?.name;
    const who = typeof name === "string" ? `${this.className} "${name}"` : this.className;
    this.options = readOptions(fields, options, who);
    const given = this.options as LayerOptions & { activityRegularizer?: Regularizer };
    this.givenName = given.name;
    this.trainable = given.trainable ?? true;
    this.activityRegularizer = given.activityRegularizer;
  }

  /** The option `inputShape`. */
  get inputShape(): Shape | undefined {
    return this.options.inputShape as Shape | undefined;
  }

  /** Where it was built: its class, counted in that model. Undefined before. */
  get path(): string | undefined {
    return this.#path;
  }

  /** Name of the class, as files and summaries have it. */
  get className(): string {
    const own = this.constructor as unknown as typeof Layer;
    return Object.hasOwn(own, "className") ? own.className : own.name;
  }

  /** The name given by the user or else by the model, unique in it; before, that of the class. */
  get name(): string {
    return this.givenName ?? this.#assignedName ?? toSnakeCase(this.className);
  }

  /** The name that a model gave it. */
  get assignedName(): string | undefined {
    return this.#assignedName;
  }

  /** For models: the name of a layer without one of its own. */
  assignName(name: string): void {
    this.#assignedName = name;
  }

  /** Class and name, as messages have it: `Dense "dense_3"`. */
  get label(): string {
    const name = this.givenName ?? this.#assignedName;
    return name === undefined ? this.className : `${this.className} "${name}"`;
  }

  /** Whether `build` has run. */
  get built(): boolean {
    return this.#builtFor !== undefined;
  }

  /** All weights: the trainable ones first, as in Keras. */
  get weights(): readonly Variable[] {
    return [
      ...this.#weights.filter((weight) => weight.trainable),
      ...this.#weights.filter((weight) => !weight.trainable),
    ];
  }

  /** The weights that the optimizer changes: none of a frozen layer. */
  get trainableWeights(): readonly Variable[] {
    return this.trainable ? this.#weights.filter((weight) => weight.trainable) : [];
  }

  /** The penalty on a weight, if there is one. */
  regularizerOf(weight: Variable): Regularizer | undefined {
    return this.#regularizers.get(weight);
  }

  /** The constraint on a weight, if there is one. */
  constraintOf(weight: Variable): Constraint | undefined {
    return this.#constraints.get(weight);
  }

  /** How many numbers its weights have. */
  countParams(): number {
    return this.#weights.reduce((sum, weight) => sum + weight.size, 0);
  }

  /**
   * Makes the weights, with `addWeight`. Called once, by the model; where it makes no weights, again
   * for inputs of each other shape. Layers without weights need none.
   *
   * @param inputShape the shape of one sample, without the batch; a list of them for several inputs
   */
  build(_inputShape: InputShapes<X>, _context: BuildContext): void {}

  /**
   * The output for a batch of inputs: `[batch, ...inputShape]` -> `[batch, ...outputShape]`. Called
   * each time a step is recorded, never while it runs.
   */
  abstract call(x: X, context: CallContext): Tensor;

  /**
   * The shape of one output sample. By default `call` is recorded once to find out, so only layers
   * that can say it more clearly need to override this.
   */
  computeOutputShape(inputShape: InputShapes<X>): Shape {
    const trace = new Trace();
    const source = () => inputSource(trace);
    const pass = new ForwardPass({ trace, sampling: false, batchStatistics: false, source });
    const y = this.call(probeInputs(trace, inputShape) as X, pass.contextOf(this.name));
    checkOutput(this, y, inputShape, probeBatch);
    return y.shape.slice(1);
  }

  /**
   * What the layer does to a net that normalizes itself, for `model.checkSelfNormalizing()`. It is asked
   * as a hidden layer: the last one with a matrix, and what comes after it, are free. Penalties and
   * constraints are found without it. A layer that says nothing is a problem: it is not known to keep
   * mean 0 and variance 1.
   *
   * @param previous what comes in
   * @example override selfNormalizing(): SelfNormalizing { return {}; } // keeps mean and variance
   */
  selfNormalizing(_previous: SelfNormalizingSignal): SelfNormalizing | Promise<SelfNormalizing> {
    return breaks(
      "it is not known to keep mean 0 and variance 1",
      "Leave it out, or let it say so: override selfNormalizing().",
    );
  }

  /**
   * The layer's options as Keras's config. A class of one's own with options of its own overrides
   * this, or declares them in `static fields`.
   */
  getConfig(): Record<string, Json> {
    const { fields } = this.constructor as unknown as typeof Layer;
    const { name, trainable } = this;
    return toConfig(fields, { ...this.options, name, trainable });
  }

  /**
   * On tensors of a model that is being connected: what the layer makes of them, for
   * `model({ inputs, outputs })`. On arrays `[batch, ...]`: the output; the layer is built where it is
   * not, and moving statistics move with `batchStatistics`. Several inputs are a list of tensors, or
   * of arrays as `{ data, shape }`. Penalties on the output are left out.
   *
   * @throws ShapeError, ValueError where the inputs do not fit; on tensors that comes with `model`
   * @example
   * const x = input({ shape: [4] });
   * const y = layers.dense({ units: 2 }).apply(x);
   * await layers.softmax().apply([[1, 2], [3, 4]]);
   */
  apply(x: SymbolicTensor | readonly SymbolicTensor[]): SymbolicTensor;
  apply(x: ArrayInput | readonly ArrayInput[], options?: ApplyOptions): Promise<HostArray>;
  apply(x: unknown, options: ApplyOptions = {}): unknown {
    const symbolic = applySymbolically(this, x);
    return symbolic ?? applyToArrays(this, x as ArrayInput, options);
  }

  /** Copies of all weights, in the order of `weights`. */
  getWeights(): Promise<HostArray[]> {
    return readVariables(this.weights);
  }

  /** Sets all weights to copies of these, or, where one does not fit, none. */
  async setWeights(values: readonly ArrayInput[]): Promise<void> {
    await setVariables(this.weights, values, `${this.label} setWeights`);
  }

  /** A weight of this layer, at the path `<layer path>/<name>`. Only inside `build`. */
  protected addWeight(options: WeightOptions): Variable {
    const { name, shape, initializer, trainable = true, regularizer, constraint } = options;
    const context = this.#buildContext;
    if (!context)
      throw new StateError({
        who: this.label,
        expected: "addWeight must be called inside build",
        received: `a call for "${name}" outside`,
      });
    const path = `${context.path}/${name}`;
    if (this.#weights.some((weight) => weight.path === path))
      throw new ValueError({
        who: this.label,
        expected: "names of weights must differ",
        received: `a second "${name}"`,
      });
    checkInputShape(shape, `${this.label} weight "${name}"`, "shape");
    checkMemory(shape, `${this.label} weight "${name}"`);
    const chosen = resolveInitializer(
      initializer ?? (shape.length > 1 ? "glorotUniform" : "zeros"),
      `${this.label} weight "${name}"`,
    );
    const initial = drawInitial(chosen, shape, { seed: context.seed, stream: path });
    const variable = new Variable({ path, shape, trainable, initial });
    this.#weights.push(variable);
    if (regularizer) this.#regularizers.set(variable, resolveRegularizer(regularizer, this.label));
    if (constraint) this.#constraints.set(variable, resolveConstraint(constraint, this.label));
    return variable;
  }

  /**
   * Builds the layer for inputs of this shape: once, but for layers without weights, which take
   * inputs of any shape that fits them. For models; layers override `build`.
   *
   * @throws ShapeError where it has weights for inputs of another shape
   */
  buildFor(inputShape: InputShapes<X>, context: BuildContext): void {
    const given = formatShapes(inputShape);
    if (this.#builtFor === given) return;
    if (this.#builtFor && this.#weights.length > 0)
      throw new ShapeError({
        who: this.label,
        expected: `inputs of shape ${this.#builtFor}, as it was built for`,
        received: given,
      });
    if (this.inputShape && formatShape(this.inputShape) !== given)
      throw new ShapeError({
        who: this.label,
        expected: `inputs of shape ${formatShape(this.inputShape)}, as its option inputShape says`,
        received: given,
      });
    this.#buildContext = context;
    try {
      this.build(inputShape, context);
      this.#builtFor ??= given;
      this.#path ??= context.path;
    } catch (error) {
      if (!this.#builtFor) this.unbuild();
      throw oneForList(error, inputShape, this.label);
    } finally {
      this.#buildContext = undefined;
    }
  }

  /** Forgets weights and shape, so that a second `buildFor` starts anew. For models that fail. */
  unbuild(): void {
    this.#weights.length = 0;
    this.#regularizers.clear();
    this.#constraints.clear();
    this.#builtFor = undefined;
    this.#path = undefined;
  }
}

/** Sets `variables` to `values`, all of them or none. */
export async function setVariables(
  variables: readonly Variable[],
  values: readonly ArrayInput[],
  who: string,
): Promise<void> {
  if (!Array.isArray(values) || values.length !== variables.length)
    throw new ValueError({
      who,
      expected: `an array of ${variables.length} weights`,
      received: describe(values),
      fix: `In this order: ${variables.map((weight) => weight.path).join(", ")}.`,
    });
  const arrays = variables.map((weight, i) => {
    const array = toHostArray(values[i]!, `${who} "${weight.path}"`);
    if (!sameShape(array.shape, weight.shape))
      throw new ShapeError({
        who: `${who} "${weight.path}"`,
        expected: `shape ${formatShape(weight.shape)}`,
        received: formatShape(array.shape),
      });
    return weight.dtype === "uint32" ? new Uint32Array(array.data) : new Float32Array(array.data);
  });
  await writeVariables(variables, arrays);
}
