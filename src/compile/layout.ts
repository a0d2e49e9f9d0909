/**
 * Where the numbers of a value lie: row-major, the last axis padded to whole cache lines, so that a
 * tail is a full vector and threads that share a row never share a line of it.
 */
import { bytesOf, type DType } from "../base/dtype.ts";

export interface Layout {
  readonly sizes: readonly number[];
  /** Distance of neighbours along each axis, in elements. */
  readonly strides: readonly number[];
  /** All of it, padding included; a multiple of 64. */
  readonly bytes: number;
}

/** Cache line and largest vector: rows start at multiples of it. */
export const lineBytes = 64;

/** Rows at this distance fall into the same set of the L1 cache. */
const aliasBytes = 4096;

/** One SIMD vector. */
const vectorBytes = 16;

/**
 * From so many rows on a matrix is tall: threads share it by rows, and what it costs is to read it, so
 * its rows are only padded to whole vectors.
 */
const tallRows = 512;

/** The layout of a value with axes of these sizes; a function of sizes and dtype alone. */
export function layoutOf(sizes: readonly number[], dtype: DType): Layout {
  const width = bytesOf(dtype);
  const strides: number[] = new Array(sizes.length);
  let bytes = width;
  for (let i = sizes.length - 1; i >= 0; i--) {
    strides[i] = bytes / width;
    bytes *= sizes[i]!;
    if (i === sizes.length - 1) {
      const isTall = sizes.length === 2 && sizes[0]! >= tallRows;
      bytes = roundUp(bytes, isTall ? vectorBytes : lineBytes);
      if (bytes % aliasBytes === 0 && sizes.length > 1) bytes += lineBytes;
    }
  }
  return { sizes, strides, bytes: roundUp(bytes, lineBytes) };
}

export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** Copies row-major `from` into `to` as `layout` says; padding is left as it is. */
export function scatter(from: ArrayLike<number>, to: MutableNumbers, layout: Layout): void {
  eachRow(layout, (packed, placed, length, stride) => {
    for (let i = 0; i < length; i++) to[placed + i * stride] = from[packed + i]!;
  });
}

/** Copies from `from`, laid out as `layout` says, into row-major `to`. */
export function gatherFrom(from: ArrayLike<number>, to: MutableNumbers, layout: Layout): void {
  eachRow(layout, (packed, placed, length, stride) => {
    for (let i = 0; i < length; i++) to[packed + i] = from[placed + i * stride]!;
  });
}

interface MutableNumbers {
  [index: number]: number;
}

function eachRow(
  { sizes, strides }: Layout,
  row: (packed: number, placed: number, length: number, stride: number) => void,
): void {
  const last = sizes.length - 1;
  if (last < 0) return row(0, 0, 1, 1);
  let packed = 0;
  const walk = (axis: number, placed: number): void => {
    if (axis === last) {
      row(packed, placed, sizes[last]!, strides[last]!);
      packed += sizes[last]!;
      return;
    }
    for (let i = 0; i < sizes[axis]!; i++) walk(axis + 1, placed + i * strides[axis]!);
  };
  walk(0, 0);
}
