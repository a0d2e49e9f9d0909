/** Steps that tests write by hand, with numbers for their leaves. */
import type { DType, TypedArray } from "../src/base/dtype.ts";
import type { Tensor } from "../src/tensor/tensor.ts";
import { Trace } from "../src/tensor/trace.ts";
import { Variable } from "../src/tensor/variable.ts";
import { canonicalCase, expectRight, type Outcome, type StepCase } from "./compiled-case.ts";
import { Draw } from "./random/draw.ts";
import type { LeafValue } from "./random-graphs.ts";

/** Records a step and the numbers of its leaves. */
export class Recording {
  readonly trace = new Trace();
  readonly draw: Draw;
  readonly #values = new Map<string, LeafValue>();
  readonly #variables = new Map<Variable, TypedArray>();
  #results = 0;

  constructor(seed = 1) {
    this.draw = new Draw(seed);
  }

  floats(size: number): Float32Array {
    return Float32Array.from({ length: size }, () => this.draw.uniform() * 4 - 2);
  }

  input(
    shape: readonly number[],
    data: TypedArray = this.floats(shape.reduce((n, size) => n * size, 1)),
    dtype: DType = "float32",
  ): Tensor {
    const name = `in${this.#values.size}`;
    this.#values.set(name, data);
    return this.trace.input(name, dtype, shape);
  }

  variable(
    shape: readonly number[],
    data: TypedArray = this.floats(shape.reduce((n, size) => n * size, 1)),
    dtype: DType = "float32",
  ): Variable {
    const path = `v${this.#variables.size}`;
    const made = new Variable({ path, shape, dtype, initial: data });
    this.#variables.set(made, data);
    return made;
  }

  gather(rows: number, row: readonly number[], data: TypedArray, dtype: DType, at: Tensor): Tensor {
    const name = `table${this.#values.size}`;
    this.#values.set(name, { rows, data });
    return this.trace.gather(name, dtype, row, at);
  }

  result(value: Tensor): this {
    this.trace.result(`r${this.#results++}`, value);
    return this;
  }

  get step(): StepCase {
    const { computation, variables } = this.trace.finish();
    for (const [name, variable] of variables)
      this.#values.set(name, this.#variables.get(variable)!);
    return canonicalCase(computation, this.#values);
  }

  /** Runs it in all ways; the results in the order in which they were named. */
  check(label = "a step"): TypedArray[] {
    return resultsOf(expectRight(this.step, label));
  }
}

const resultsOf = (outcome: Outcome): TypedArray[] =>
  [...outcome].flatMap(([name, values]) => (name.startsWith("result") ? [values] : []));
