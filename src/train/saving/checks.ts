/** Checks of the arrays in a file. */
import type { TypedArray } from "../../base/dtype.ts";
import { DataError, describe, ShapeError, ValueError } from "../../base/errors.ts";
import { formatShape, type Shape, sameShape } from "../../base/shape.ts";
import type { H5Dataset, H5Group } from "../../formats/hdf5.ts";
import type { Variable } from "../../tensor/variable.ts";

/** What a file is called, and what may be in it. */
export interface Source {
  /** The file, for messages. */
  readonly who: string;
  /** Whether weights may hold NaN and infinities. */
  readonly allowNonFinite: boolean;
}

/**
 * The numbers of one entry for a variable, in the variable's type.
 *
 * @param found the entry; undefined where the file has none
 * @param place the entry's name in the file: `layers/dense_1/vars/0`
 * @throws DataError where it is missing or not numbers or has a NaN, ShapeError for another shape
 */
export function checkedValues(
  found: { readonly shape: Shape; readonly data: TypedArray | readonly string[] } | undefined,
  variable: Pick<Variable, "path" | "shape" | "dtype">,
  place: string,
  { who, allowNonFinite }: Source,
): TypedArray {
  const what = `${place} (${variable.path})`;
  const shape = formatShape(variable.shape);
  const fix = "Make the model with the same layers as the one that was saved.";
  if (!found)
    throw new DataError({
      who,
      expected: `must hold ${what} of shape ${shape}`,
      received: "nothing there",
      fix,
    });
  if (!sameShape(found.shape, variable.shape))
    throw new ShapeError({
      who,
      expected: `${what} must have shape ${shape}`,
      received: formatShape(found.shape),
      fix,
    });
  if (Array.isArray(found.data))
    throw new DataError({ who, expected: `${what} must hold numbers`, received: "texts" });
  const data = found.data as TypedArray;
  if (variable.dtype === "uint32") return checkedCount(data, place, who);
  if (!allowNonFinite) checkFinite(data, what, who);
  return new Float32Array(data);
}

function checkFinite(data: TypedArray, what: string, who: string): void {
  const at = data.findIndex((value) => !Number.isFinite(Math.fround(value)));
  if (at < 0) return;
  throw new DataError({
    who,
    expected: `${what} must hold finite numbers`,
    received: `${data[at]} at ${at}`,
    fix: "Load an earlier file, or pass { allowNonFinite: true }.",
  });
}

function checkedCount(data: TypedArray, place: string, who: string): TypedArray {
  const count = data[0];
  if (Number.isInteger(count) && count >= 0 && count < 2 ** 32) return Uint32Array.of(count);
  throw new DataError({ who, expected: `${place} must be a count`, received: describe(count) });
}

/** The group of this path; undefined where there is none. */
export function groupAt(root: H5Group | undefined, ...path: string[]): H5Group | undefined {
  let group = root;
  for (const name of path) {
    const child: H5Group | H5Dataset | undefined =
      group && Object.hasOwn(group.children, name) ? group.children[name] : undefined;
    group = child?.kind === "group" ? child : undefined;
  }
  return group;
}

/** Where one passes neither a path nor bytes. */
export function fileError(who: string, received: unknown): ValueError {
  return new ValueError({
    who,
    expected: "a path, or a file's bytes as Uint8Array, ArrayBuffer or Blob",
    received: describe(received),
  });
}
