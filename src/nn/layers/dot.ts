import { describe, ShapeError, ValueError } from "../../base/errors.ts";
import { formatShape, type Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { boolean, type Field, type ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import { joins, type SelfNormalizing } from "../self-normalizing.ts";
import { othersOf, positionOf } from "./axes.ts";
import { checkList } from "./merge.ts";
import { unit } from "./unit-normalization.ts";

/** Options of `layers.dot`. */
export interface DotOptions extends LayerOptions, ActivityOptions {
  /** The dimension that is summed over, in both inputs or in each; not the batch, which is 0. */
  readonly axes: number | readonly [number, number];
  /** Whether inputs are first scaled to length 1 along it (cosine similarity). Default: false. */
  readonly normalize?: boolean;
}

const axesField: Field<number | readonly [number, number]> = {
  read: (value, name, who) => {
    if (Number.isSafeInteger(value)) return value as number;
    if (Array.isArray(value) && value.length === 2 && value.every(Number.isSafeInteger))
      return [...value] as unknown as readonly [number, number];
    throw new ValueError({
      who,
      expected: `${name} must be a whole number or an array of two`,
      received: describe(value),
      fix: "Example: layers.dot({ axes: 1 })",
    });
  },
};

/** A length below this counts as this, as in Keras. */
const shortest = 1e-7;

/**
 * The product of two inputs summed over a dimension of each, sample by sample: `[batch, ...a, k]`
 * and `[batch, ...b, k]` -> `[batch, ...a, ...b]`, or `[batch, 1]` where nothing else is left.
 *
 * @throws ValueError where there are not two inputs, ShapeError where the sizes differ
 * @example layers.dot({ axes: 1 }).apply([a, b])
 */
export class Dot extends Layer<readonly Tensor[]> {
  static override readonly className: string = "Dot";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    axes: axesField,
    normalize: boolean(false),
  };

  declare readonly options: ValuesOf<typeof Dot.fields>;

  constructor(options: DotOptions) {
    super(options);
  }

  override build(shapes: readonly Shape[]): void {
    this.computeOutputShape(shapes);
  }

  call(inputs: readonly Tensor[]): Tensor {
    const positions = this.#positions(inputs.map((x) => x.shape.slice(1)));
    const [a, b] = inputs.map((x, i) => {
      const at = positions[i]!;
      const scaled = this.options.normalize ? unit(x, [at], shortest) : x;
      return scaled.transpose([...othersOf(x.rank, [at]), at]);
    }) as [Tensor, Tensor];
    const free = [a.rank - 2, b.rank - 2] as const;
    if (free[0] + free[1] === 0) return a.multiply(b).sum(-1, true);
    return pairwise(a, b, free);
  }

  override selfNormalizing(): SelfNormalizing {
    return joins();
  }

  override computeOutputShape(shapes: readonly Shape[]): Shape {
    checkList(shapes, this.label, "dot({ axes: 1 })", { exactly: 2 });
    const [a, b] = this.#positions(shapes);
    const [first, second] = shapes as [Shape, Shape];
    if (first[a - 1] !== second[b - 1])
      throw new ShapeError({
        who: this.label,
        expected: `dimension ${a} of the first input and ${b} of the second must have one size`,
        received: `${formatShape(first)} and ${formatShape(second)}`,
      });
    const left = [first.toSpliced(a - 1, 1), second.toSpliced(b - 1, 1)].flat();
    return left.length > 0 ? left : [1];
  }

  #positions(shapes: readonly Shape[]): [number, number] {
    const { axes } = this.options;
    const list = typeof axes === "number" ? [axes, axes] : axes;
    const named = shapes.map((shape, i) =>
      positionOf(list[i]!, shape, this.label, { name: "axes" }),
    );
    return named as [number, number];
  }
}

/** `[batch, ...a, k]` and `[batch, ...b, k]` as one batched matrix product. */
function pairwise(a: Tensor, b: Tensor, [inA, inB]: readonly [number, number]): Tensor {
  // a: [batch, ...a, 1 for each of b but the last, 1, k]; b: [batch, 1 for each of a, ...b, k, last].
  let left = a;
  for (let i = 0; i < Math.max(inB, 1); i++) left = left.expandDimension(-2);
  const order = b.dimensions.map((_, i) => i);
  let right = inB > 0 ? b.transpose([...order.slice(0, -2), b.rank - 1, b.rank - 2]) : b;
  if (inB === 0) right = right.expandDimension(-1);
  for (let i = 0; i < inA; i++) right = right.expandDimension(1);
  const product = left.matmul(right).squeeze(-2);
  return inB > 0 ? product : product.squeeze(-1);
}

/** Makes a `Dot`. */
export const dot = (options: DotOptions): Dot => new Dot(options);
