/** Sizes of the axes of a value, outermost first. `[]` is a single number. */
export type Shape = readonly number[];

/** Number of elements of a value of this shape: the product of its sizes, 1 for `[]`. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** The shape as text, for messages: `[32, 100]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** True if both shapes have the same rank and the same size on every axis. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}
