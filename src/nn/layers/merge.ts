/** What the layers that merge several inputs into one share. */
import { ShapeError, ValueError } from "../../base/errors.ts";
import { formatShape, type Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Fields } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  formatShapes,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import { joins, type SelfNormalizing } from "../self-normalizing.ts";

/** Options of the layers that merge inputs number by number. */
export interface MergeOptions extends LayerOptions, ActivityOptions {}

/** How many inputs there must be. */
interface Count {
  readonly exactly?: number;
}

/**
 * Throws a ValueError unless `shapes` are those of a list of inputs.
 *
 * @param label the layer, for errors
 * @param example how it is called
 */
export function checkList(
  shapes: unknown,
  label: string,
  example: string,
  count: Count = {},
): void {
  const list = Array.isArray(shapes) && shapes.every(Array.isArray) ? shapes : undefined;
  const { exactly } = count;
  if (list && (exactly === undefined ? list.length > 0 : list.length === exactly)) return;
  throw new ValueError({
    who: label,
    expected: exactly === undefined ? "a list of inputs" : `a list of ${exactly} inputs`,
    received: list ? `${list.length}` : `one of shape ${formatShape(shapes as Shape)}`,
    fix: `Example: layers.${example}.apply([a, b]), with arrays as { data, shape }.`,
  });
}

/** The common shape of samples of these shapes; undefined where they do not broadcast. */
function broadcast(shapes: readonly Shape[]): Shape | undefined {
  const rank = Math.max(...shapes.map(({ length }) => length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes)
    for (const [i, size] of shape.entries()) {
      const at = rank - shape.length + i;
      if (result[at] === 1) result[at] = size;
      else if (size !== 1 && size !== result[at]) return undefined;
    }
  return result;
}

/**
 * A layer that merges its inputs number by number. Samples broadcast as in NumPy: sizes are equal or
 * 1, counted from the end.
 */
export abstract class Merge extends Layer<readonly Tensor[]> {
  static override readonly fields: Fields = { ...layerFields, ...activityFields };

  /** The factory's name in `layers`. */
  protected abstract readonly factory: string;

  /** How many inputs it takes; undefined: any number from 1 on. */
  protected readonly count: number | undefined;

  constructor(options: MergeOptions = {}) {
    super(options);
  }

  /** The result of all inputs, which have equally many dimensions. */
  protected abstract merge(inputs: readonly Tensor[]): Tensor;

  override build(shapes: readonly Shape[]): void {
    this.computeOutputShape(shapes);
  }

  call(inputs: readonly Tensor[]): Tensor {
    const rank = Math.max(...inputs.map((x) => x.rank));
    const widened = inputs.map((input) => {
      let x = input;
      while (x.rank < rank) x = x.expandDimension(1);
      return x;
    });
    return this.merge(widened);
  }

  override selfNormalizing(): SelfNormalizing {
    return joins();
  }

  override computeOutputShape(shapes: readonly Shape[]): Shape {
    const count = this.count === undefined ? {} : { exactly: this.count };
    checkList(shapes, this.label, `${this.factory}()`, count);
    const shape = broadcast(shapes);
    if (shape) return shape;
    throw new ShapeError({
      who: this.label,
      expected: "inputs whose shapes broadcast (equal sizes, or 1, counted from the end)",
      received: formatShapes(shapes),
    });
  }
}
