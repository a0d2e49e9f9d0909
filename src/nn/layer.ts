/** The base of all layers, the library's and users' own. */
import { describe, MemoryError, ShapeError, StateError, ValueError } from "../base/errors.ts";
import { formatShape, type Shape, sameShape, sizeOf } from "../base/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Trace } from "../tensor/trace.ts";
import { Variable } from "../tensor/variable.ts";
import { type CallContext, ForwardPass } from "./context.ts";
import { drawInitial, type InitializerInput, resolveInitializer } from "./initializers.ts";
import { toSnakeCase } from "./names.ts";

/** Options that every layer takes. */
export interface LayerOptions {
  /** Unique within a model. Default: the class in snake case, counted: `dense`, `dense_1`. */
  readonly name?: string;
  /** Shape of one sample, without the batch: on a model's first layer it builds the model. */
  readonly inputShape?: Shape;
}

/** The options of every layer for `settings`: none has a default. */
export const layerDefaults = { name: undefined, inputShape: undefined } as const;

type LayerSettings = { readonly [K in keyof LayerOptions]: LayerOptions[K] | undefined };

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
export abstract class Layer {
  /**
   * The name that paths, summaries and files use for the class. A class without its own is called
   * by its JavaScript name, which minifiers change: give one where seeds must survive minifying.
   */
  static readonly className: string = "Layer";

  /** The option `inputShape`. */
  readonly inputShape: Shape | undefined;
  /** The option `name`. */
  readonly givenName: string | undefined;
  #assignedName: string | undefined;
  #buildContext: BuildContext | undefined;
  #builtFor: Shape | undefined;
  readonly #weights: Variable[] = [];

  constructor({ name, inputShape }: LayerSettings = {}) {
    if (name !== undefined && (typeof name !== "string" || !/^[^/\s]+$/.test(name)))
      throw new ValueError({
        who: new.target.name,
        expected: "name must be a text without spaces and slashes",
        received: describe(name),
      });
    this.givenName = name;
    if (inputShape !== undefined) checkInputShape(inputShape, this.label);
    this.inputShape = inputShape;
  }

  /** Name of the class, as files and summaries have it. */
  get className(): string {
    const own = this.constructor as typeof Layer;
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

  get trainableWeights(): readonly Variable[] {
    return this.#weights.filter((weight) => weight.trainable);
  }

  /** How many numbers its weights have. */
  countParams(): number {
    return this.#weights.reduce((sum, weight) => sum + weight.size, 0);
  }

  /**
   * Makes the weights, with `addWeight`. Called once, by the model. Layers without weights need
   * none.
   *
   * @param inputShape the shape of one sample, without the batch
   */
  build(_inputShape: Shape, _context: BuildContext): void {}

  /**
   * The output for a batch of inputs: `[batch, ...inputShape]` -> `[batch, ...outputShape]`. Called
   * each time a step is recorded, never while it runs.
   */
  abstract call(x: Tensor, context: CallContext): Tensor;

  /**
   * The shape of one output sample. By default `call` is recorded once to find out, so only layers
   * that can say it more clearly need to override this.
   */
  computeOutputShape(inputShape: Shape): Shape {
    const trace = new Trace();
    const x = trace.input("x", "float32", [probeBatch, ...inputShape]);
    const pass = new ForwardPass({ trace, sampling: false, batchStatistics: false });
    const y = this.call(x, pass.contextOf(this.name));
    checkOutput(this, y, inputShape, probeBatch);
    return y.shape.slice(1);
  }

  /** A weight of this layer, at the path `<layer path>/<name>`. Only inside `build`. */
  protected addWeight({ name, shape, initializer, trainable = true }: WeightOptions): Variable {
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
    return variable;
  }

  /**
   * Builds the layer for inputs of this shape, once. For models; layers override `build`.
   *
   * @throws ShapeError where it was built before, for inputs of another shape
   */
  buildFor(inputShape: Shape, context: BuildContext): void {
    if (this.#builtFor) {
      if (sameShape(this.#builtFor, inputShape)) return;
      throw new ShapeError({
        who: this.label,
        expected: `inputs of shape ${formatShape(this.#builtFor)}, as it was built for`,
        received: formatShape(inputShape),
      });
    }
    if (this.inputShape && !sameShape(this.inputShape, inputShape))
      throw new ShapeError({
        who: this.label,
        expected: `inputs of shape ${formatShape(this.inputShape)}, as its option inputShape says`,
        received: formatShape(inputShape),
      });
    this.#buildContext = context;
    try {
      this.build(inputShape, context);
      this.#builtFor = inputShape;
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
    this.#builtFor = undefined;
  }
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
export function checkOutput(
  layer: Layer,
  y: unknown,
  inputShape: Shape,
  batch: number,
  shape?: Shape,
): void {
  const isTensor = typeof y === "object" && y !== null && "node" in y && "dimensions" in y;
  if (!isTensor)
    throw new ValueError({
      who: `${layer.label} call`,
      expected: "it must return a Tensor",
      received: describe(y),
    });
  const found = (y as Tensor).shape;
  if (found[0] === batch && (!shape || sameShape(found.slice(1), shape))) return;
  const rest = shape ? shape.map((size) => `, ${size}`).join("") : ", ...";
  const sizes = found.map((size, i) => (i === 0 && size === batch ? "batch" : size));
  const inputs = ["batch", ...inputShape].join(", ");
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
