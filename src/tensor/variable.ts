/** What a step leaves behind for the next: weights, optimizer slots, counters. */
import type { DType, TypedArray } from "../base/dtype.ts";
import { arrayFor } from "../base/dtype.ts";
import { ShapeError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../base/host-array.ts";
import { formatShape, type Shape, sameShape, sizeOf } from "../base/shape.ts";

/** Reads and writes variables that have gone to a device. The engine is one. */
export interface VariableStore {
  /** Copies of the values as they are now, each row-major in its variable's shape. */
  read(variables: readonly Variable[]): Promise<TypedArray[]>;
  write(variables: readonly Variable[], values: readonly TypedArray[]): Promise<void>;
}

export interface VariableOptions {
  /** Path as in a Keras weights file, e.g. `dense_3/kernel`; unique within a model. */
  readonly path: string;
  readonly shape: Shape;
  readonly dtype?: DType;
  /** Has a gradient and is changed by the optimizer. Default: false. */
  readonly trainable?: boolean;
  /** The first value, row-major. Default: zeros. */
  readonly initial?: TypedArray;
}

/**
 * A named array that lives on for the life of its owner (a layer, an optimizer, a model). It starts
 * with a host value; a store takes it over at its first use and may hand the value back when it
 * needs the room: `hostValue` is the truth exactly while it is defined.
 */
export class Variable {
  readonly path: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly trainable: boolean;
  /** The value while no device holds it. */
  hostValue: TypedArray | undefined;
  /** Who holds the value while `hostValue` is undefined. */
  store: VariableStore | undefined;

  constructor({ path, shape, dtype = "float32", trainable = false, initial }: VariableOptions) {
    const size = sizeOf(shape);
    if (initial && initial.length !== size)
      throw new ShapeError({
        who: `variable "${path}"`,
        expected: `an initial value of shape ${formatShape(shape)} (${size} numbers)`,
        received: `${initial.length} numbers`,
      });
    this.path = path;
    this.shape = shape;
    this.dtype = dtype;
    this.trainable = trainable;
    this.hostValue = initial?.slice() ?? arrayFor(dtype, size);
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /** A copy of its numbers, wherever they are. */
  async read(): Promise<HostArray> {
    const [value] = await readVariables([this]);
    return value!;
  }

  /**
   * Sets it to a copy of these numbers.
   *
   * @throws ShapeError where they have another shape
   */
  async write(value: ArrayInput): Promise<void> {
    const who = `variable "${this.path}"`;
    const array = toHostArray(value, who);
    if (!sameShape(array.shape, this.shape))
      throw new ShapeError({
        who,
        expected: `shape ${formatShape(this.shape)}`,
        received: formatShape(array.shape),
      });
    const numbers = arrayFor(this.dtype, this.size);
    numbers.set(array.data);
    await writeVariables([this], [numbers]);
  }
}

/** Copies of the values of `variables`, wherever they live, in order. */
export async function readVariables(variables: readonly Variable[]): Promise<HostArray[]> {
  const away = new Map<VariableStore, Variable[]>();
  for (const variable of variables)
    if (variable.store && !variable.hostValue)
      away.set(variable.store, [...(away.get(variable.store) ?? []), variable]);
  // Before anything is awaited: meanwhile a device may take them over.
  const found = new Map<Variable, TypedArray>();
  for (const variable of variables)
    if (variable.hostValue) found.set(variable, variable.hostValue.slice());
  for (const [store, held] of away) {
    const values = await store.read(held);
    for (const [i, variable] of held.entries()) found.set(variable, values[i]!);
  }
  return variables.map((variable) => ({ data: found.get(variable)!, shape: variable.shape }));
}

/** Sets `variables` to copies of `values`, all of them or, where one does not fit, none. */
export async function writeVariables(
  variables: readonly Variable[],
  values: readonly TypedArray[],
): Promise<void> {
  for (const [i, variable] of variables.entries())
    if (values[i]?.length !== variable.size)
      throw new ShapeError({
        who: `variable "${variable.path}"`,
        expected: `shape ${formatShape(variable.shape)} (${variable.size} numbers)`,
        received: `${values[i]?.length ?? "no"} numbers`,
      });
  const away = new Map<VariableStore, number[]>();
  for (const [i, variable] of variables.entries()) {
    if (variable.store && !variable.hostValue)
      away.set(variable.store, [...(away.get(variable.store) ?? []), i]);
    else variable.hostValue!.set(values[i]!);
  }
  for (const [store, indices] of away)
    await store.write(
      indices.map((i) => variables[i]!),
      indices.map((i) => values[i]!),
    );
}
