import type { TypedArray } from "../../base/dtype.ts";
import type { HostArray } from "../../base/host-array.ts";

/**
 * The value of an attribute. Scalars are a string, number or boolean; an array of strings is a list
 * in row order; an array of numbers has its shape.
 */
export type H5Value = string | number | boolean | readonly string[] | HostArray;

/** Attributes by name. What `readHdf5` gives has no prototype: a name it lacks is undefined. */
export type H5Attributes = Readonly<Record<string, H5Value>>;

/** An array in an HDF5 file. */
export interface H5Dataset {
  readonly kind: "dataset";
  /** Extents; `[]` is a scalar. An array without a dataspace ("null") has the shape `[0]`. */
  readonly shape: readonly number[];
  /** The elements in row order. */
  readonly data: TypedArray | readonly string[];
  readonly attributes: H5Attributes;
}

/** A group in an HDF5 file: what a folder is on a disk. */
export interface H5Group {
  readonly kind: "group";
  readonly attributes: H5Attributes;
  /** What is in it, by name. What `readHdf5` gives has no prototype. */
  readonly children: Readonly<Record<string, H5Group | H5Dataset>>;
}

/** How to read a file of unknown origin. */
export interface ReadHdf5Options {
  /** Names the file in errors: `model.h5`. Default `readHdf5`. */
  readonly who?: string | undefined;
  /**
   * Most bytes that all arrays and attributes may have together when they are unpacked. Default:
   * 4 GiB, and never more than the larger of 64 MiB and 1000 times the file's own size.
   */
  readonly maxBytes?: number | undefined;
  /** So long the reading may take. Default: 30 s and one second for each 5 MB of the file. */
  readonly milliseconds?: number | undefined;
}

/** Floats of 16 bits. */
export type Half = "float16" | "bfloat16";

/** A tree as `session.js` reads it: of 16-bit floats it has the bits. */
export interface RawGroup extends Omit<H5Group, "attributes" | "children"> {
  readonly attributes: Readonly<Record<string, RawValue>>;
  readonly children: Readonly<Record<string, RawGroup | RawDataset>>;
}
export interface RawDataset extends Omit<H5Dataset, "attributes"> {
  readonly attributes: Readonly<Record<string, RawValue>>;
  readonly half: Half | undefined;
}
export type RawValue = H5Value | RawArray;
/** The elements of an attribute; a scalar's shape is `[]`. */
export interface RawArray extends HostArray {
  readonly half: Half | undefined;
}
