/** Shapes of layers' inputs and outputs: checks, and how errors tell of them. */
import { AntlerError, describe, MemoryError, ShapeError, ValueError } from "../base/errors.ts";
import { formatShape, type Shape, sameShape, sizeOf } from "../base/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Trace } from "../tensor/trace.ts";

/** What a layer takes: one tensor, or several as a list. */
export type LayerInput = Tensor | readonly Tensor[];

/** The shape of one sample of each input. */
export type InputShapes<X extends LayerInput> = [X] extends [never]
  ? never
  : [X] extends [readonly Tensor[]]
    ? readonly Shape[]
    : Shape;

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

/** What to tell where a layer of one input fails on a list, which it does not expect. */
export function oneForList(
  error: unknown,
  shapes: Shape | readonly Shape[],
  label: string,
): unknown {
  const isOwn = error instanceof AntlerError && error.who === label;
  if (isOwn || !Array.isArray(shapes[0])) return error;
  return new ValueError({
    who: label,
    expected: "inputs that the layer takes; one that joins no inputs takes no list",
    received: `a list, of shapes ${formatShapes(shapes)}`,
    fix: "Join them first, e.g. layers.concatenate().apply([a, b]).",
    cause: error,
  });
}

/** What a device can address at most. */
const largestBytes = 2 ** 32;

/** How many numbers the weights of layers may have that are built now. */
let numbersLeft = Number.POSITIVE_INFINITY;

/**
 * Builds layers whose weights may have at most so many numbers together: for models of files, where a
 * single digit in a config could ask for more than there is.
 *
 * @param build runs at once, not later
 */
export function withinNumbers<T>(most: number, build: () => T): T {
  const before = numbersLeft;
  numbersLeft = most;
  try {
    return build();
  } finally {
    numbersLeft = before;
  }
}

/** Before any of it is taken. */
export function checkMemory(shape: Shape, who: string): void {
  numbersLeft -= sizeOf(shape);
  if (numbersLeft < 0)
    throw new MemoryError({
      who,
      expected: "a model's layers must have about as many weights as its file holds",
      received: `one of shape ${formatShape(shape)}`,
      fix: "The file is broken: save it again.",
    });
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
  layer: { readonly label: string },
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

/** Throws a ShapeError unless this can be the shape of a sample. */
export function checkInputShape(shape: unknown, who: string, name = "inputShape"): void {
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
