/** The base of all layers, the library's and users' own. */
import { describe, MemoryError, ShapeError, StateError, ValueError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, isHostArray, toHostArray } from "../base/host-array.ts";
import { seedHigh } from "../base/philox.ts";
import { formatShape, type Shape, sameShape, sizeOf } from "../base/shape.ts";
import { evaluate } from "../tensor/eager.ts";
import { Tensor } from "../tensor/tensor.ts";
import { Trace } from "../tensor/trace.ts";
import { readVariables, Variable, writeVariables } from "../tensor/variable.ts";
import {
  type Constraint,
  type ConstraintInput,
  constraintKind,
  resolveConstraint,
} from "./constraints.ts";
import { type CallContext, ForwardPass } from "./context.ts";
import { boolean, type Field, type Fields, type Json, optional, readOptions } from "./fields.ts";
import { drawInitial, type InitializerInput, resolveInitializer } from "./initializers.ts";
import { toSnakeCase } from "./names.ts";
import {
  type Regularizer,
  type RegularizerInput,
  regularizerKind,
  resolveRegularizer,
} from "./regularizers.ts";
import { partField, toConfig } from "./serialization.ts";
import { applySymbolically, type SymbolicTensor } from "./symbolic.ts";

/** What a layer takes: one tensor, or several as a list. */
export type LayerInput = Tensor | readonly Tensor[];

/** The shape of one sample of each input. */
export type InputShapes<X extends LayerInput> = [X] extends [never]
  ? never
  : [X] extends [readonly Tensor[]]
    ? readonly Shape[]
    : Shape;

/** A layer of any inputs. */
export type AnyLayer = Layer<never>;

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
    if (value === undefined || (typeof value === "string" && /^[^/\s]+$/.test(value)))
      return value as string | undefined;
    throw new ValueError({
      who,
      expected: "name must be a text without spaces and slashes",
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

/** Options of `apply` on arrays. */
export interface ApplyOptions {
  /** Whether noise is on (dropout). Default: false. */
  readonly sampling?: boolean;
  /** Whether normalisation uses the batch, and moves its statistics. Default: false. */
  readonly batchStatistics?: boolean;
  /** Of the noise, and of the weights where the layer is not built yet. Default: 0. */
  readonly seed?: number;
  /** Counts the calls: another step, other noise. Default: 0. */
  readonly step?: number;
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
   * Whether the optimizer changes its weights. A frozen batch normalization works in inference mode.
   * A model takes a change at its next `compile`, as in Keras.
   */
  trainable: boolean;
  /** A penalty on its output, added to the loss. */
  readonly activityRegularizer: Regularizer | undefined;
  #assignedName: string | undefined;
  #buildContext: BuildContext | undefined;
  /** The shapes of its inputs, as text. */
  #builtFor: string | undefined;
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
   * Makes the weights, with `addWeight`. Called once, by the model. Layers without weights need
   * none.
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
    const pass = new ForwardPass({ trace, sampling: false, batchStatistics: false });
    const y = this.call(probeInputs(trace, inputShape) as X, pass.contextOf(this.name));
    checkOutput(this, y, inputShape, probeBatch);
    return y.shape.slice(1);
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
   * `model({ inputs, outputs })`. On arrays `[batch, ...]`: the output, at once; the layer is built
   * where it is not, and moving statistics move with `batchStatistics`.
   *
   * @throws ShapeError where the inputs do not fit
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
   * Builds the layer for inputs of this shape, once. For models; layers override `build`.
   *
   * @throws ShapeError where it was built before, for inputs of another shape
   */
  buildFor(inputShape: InputShapes<X>, context: BuildContext): void {
    const given = formatShapes(inputShape);
    if (this.#builtFor) {
      if (this.#builtFor === given) return;
      throw new ShapeError({
        who: this.label,
        expected: `inputs of shape ${this.#builtFor}, as it was built for`,
        received: given,
      });
    }
    if (this.inputShape && formatShape(this.inputShape) !== given)
      throw new ShapeError({
        who: this.label,
        expected: `inputs of shape ${formatShape(this.inputShape)}, as its option inputShape says`,
        received: given,
      });
    this.#buildContext = context;
    try {
      this.build(inputShape, context);
      this.#builtFor = given;
    } catch (error) {
      this.unbuild();
      throw error;
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
  }
}

/** `[3]`, or `[3] and [4]` for several inputs. */
export function formatShapes(shapes: Shape | readonly Shape[]): string {
  const isMany = Array.isArray(shapes[0]);
  return isMany ? (shapes as Shape[]).map(formatShape).join(" and ") : formatShape(shapes as Shape);
}

/** Inputs `[batch, ...]` of a recording that only asks for shapes. */
export function probeInputs(trace: Trace, shapes: Shape | readonly Shape[]): LayerInput {
  const input = (name: string, shape: Shape) =>
    trace.input(name, "float32", [probeBatch, ...shape]);
  if (!Array.isArray(shapes[0])) return input("x", shapes as Shape);
  return (shapes as Shape[]).map((shape, i) => input(`x${i}`, shape));
}

/** What `apply` does on arrays. */
async function applyToArrays<X extends LayerInput>(
  layer: Layer<X>,
  x: ArrayInput | readonly ArrayInput[],
  { sampling = false, batchStatistics = false, seed = 0, step = 0 }: ApplyOptions,
): Promise<HostArray> {
  const who = `${layer.label} apply`;
  const isMany = isListOfArrays(x);
  const arrays = isMany ? x.map((one, i) => toHostArray(one, `${who} input ${i}`)) : [];
  if (!isMany) arrays.push(toHostArray(x as ArrayInput, who));
  const shapes = arrays.map(({ shape }) => shape.slice(1));
  const path = toSnakeCase(layer.className);
  layer.buildFor((isMany ? shapes : shapes[0]) as unknown as InputShapes<X>, { path, seed });
  const scalars = { seed: seed >>> 0, seedHigh: seedHigh(seed), step };
  const [result] = await evaluate(
    arrays,
    (tensors, trace) => {
      const scalar = (name: keyof typeof scalars) => trace.input(name, "uint32", []);
      const source = () => ({
        seed: scalar("seed"),
        seedHigh: scalar("seedHigh"),
        step: scalar("step"),
      });
      const pass = new ForwardPass({ trace, sampling, batchStatistics, source });
      const y = layer.call((isMany ? tensors : tensors[0]) as X, pass.contextOf(path));
      checkOutput(layer, y, isMany ? shapes : shapes[0]!, arrays[0]!.shape[0] ?? 1);
      return [y];
    },
    { scalars },
  );
  return result!;
}

/** Whether a list holds whole arrays, each of which has a shape of its own. */
const isListOfArrays = (x: unknown): x is readonly HostArray[] =>
  Array.isArray(x) && x.length > 0 && x.every(isHostArray);

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

/** What a device can address at most. */
const largestBytes = 2 ** 32;

/** Before any of it is taken. */
function checkMemory(shape: Shape, who: string): void {
  const bytes = 4 * sizeOf(shape);
  if (bytes <= largestBytes) return;
  throw new MemoryError({
    who,
    expected: "a weight must fit into 4 GiB of memory",
    received: `${formatShape(shape)}, ${(bytes / 2 ** 30).toFixed(1)} GiB`,
    fix: "Use fewer units.",
  });
}

/** The batch of probing recordings: no likely size of anything else, so that mix-ups show. */
export const probeBatch = 13;

/**
 * Throws a ShapeError or ValueError that names the layer unless `y` is a tensor `[batch,
 * ...shape]`.
 *
 * @param shape of one output sample; undefined: any
 */
export function checkOutput<X extends LayerInput>(
  layer: Layer<X>,
  y: unknown,
  inputShape: Shape | readonly Shape[],
  batch: number,
  shape?: Shape,
): void {
  if (!(y instanceof Tensor))
    throw new ValueError({
      who: `${layer.label} call`,
      expected: "it must return a Tensor",
      received: describe(y),
    });
  const found = y.shape;
  if (found[0] === batch && (!shape || sameShape(found.slice(1), shape))) return;
  const rest = shape ? shape.map((size) => `, ${size}`).join("") : ", ...";
  const sizes = found.map((size, i) => (i === 0 && size === batch ? "batch" : size));
  const list = Array.isArray(inputShape[0]) ? (inputShape as Shape[]) : [inputShape as Shape];
  const inputs = list.map((one) => ["batch", ...one].join(", ")).join("] and [");
  throw new ShapeError({
    who: `${layer.label} call`,
    expected: `it must return shape [batch${rest}] for inputs [${inputs}]`,
    received: `[${sizes.join(", ")}]`,
    fix: "Keep the first dimension, and let computeOutputShape say what call returns.",
  });
}

function checkInputShape(shape: unknown, who: string, name = "inputShape"): void {
  const fits =
    Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 1);
  if (!fits)
    throw new ShapeError({
      who,
      expected: `${name} must be an array of whole numbers of at least 1`,
      received: describe(shape),
      fix:
        name === "inputShape" ? "Example: inputShape: [32, 32, 3], without the batch." : undefined,
    });
}
