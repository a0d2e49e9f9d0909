/** Recording a step: what tensors are made on, and how variables, inputs and results enter it. */
import type { DType } from "../base/dtype.ts";
import { ShapeError, StateError } from "../base/errors.ts";
import { formatShape, type Shape, sameShape } from "../base/shape.ts";
import { type Computation, Graph, type Update } from "../ir/graph.ts";
import type { Axis, Node } from "../ir/node.ts";
import type { Dimension } from "./dimensions.ts";
import { type Recorder, Tensor } from "./tensor.ts";
import type { Variable } from "./variable.ts";

/** A recorded step, and what the host binds to the names in it. */
export interface Traced {
  readonly computation: Computation;
  /** Leaf name -> variable. */
  readonly variables: ReadonlyMap<string, Variable>;
}

export class Trace implements Recorder {
  readonly graph = new Graph();
  readonly #variables = new Map<Variable, { leaf: Tensor; value: Tensor }>();
  readonly #inputs = new Map<string, Tensor>();
  readonly #results = new Map<string, Tensor>();

  constant(value: number, dtype: DType = "float32"): Tensor {
    return new Tensor(this, this.graph.constant(value, dtype), []);
  }

  /** A value that the host gives for each step. The same name is the same input. */
  input(name: string, dtype: DType, shape: Shape): Tensor {
    const known = this.#inputs.get(name);
    if (known) return known;
    const { axes, dimensions } = this.#axesOf(shape);
    const tensor = new Tensor(
      this,
      this.graph.make("input", [], { name, dtype, axes }),
      dimensions,
    );
    this.#inputs.set(name, tensor);
    return tensor;
  }

  /** Rows of a resident data set: `indices` of shape [n] (uint32) -> [n, ...rowShape]. */
  gather(name: string, dtype: DType, rowShape: Shape, indices: Tensor): Tensor {
    const { axes, dimensions } = this.#axesOf(rowShape);
    const table = this.graph.make("table", [], { name, dtype, axes });
    const node = this.graph.make("gather", [table, indices.node]);
    return new Tensor(this, node, [...indices.dimensions, ...dimensions]);
  }

  /** 0, 1, 2, ... along one dimension of `tensor`, as uint32, broadcasting against it. */
  indexAlong(tensor: Tensor, position: number): Tensor {
    const at = position < 0 ? position + tensor.rank : position;
    const axis = tensor.dimensions[at];
    const dimensions = tensor.dimensions.map((d, i) => (i === at ? d : undefined));
    const node = axis
      ? this.graph.make("index", [], { axes: [axis] })
      : this.graph.constant(0, "uint32");
    return new Tensor(this, node, dimensions);
  }

  /** The value of a variable: that before the step or, once assigned, the new one. */
  read(variable: Variable): Tensor {
    return this.#entry(variable).value;
  }

  /** The variable's value before the step, whatever was assigned since. */
  before(variable: Variable): Tensor {
    return this.#entry(variable).leaf;
  }

  /** After the step, `variable` holds `value`, which must have its shape and dtype. */
  assign(variable: Variable, value: Tensor): void {
    const entry = this.#entry(variable);
    if (!sameShape(value.shape, variable.shape) || value.dtype !== variable.dtype)
      throw new ShapeError({
        who: `variable "${variable.path}"`,
        expected: `a new value of ${variable.dtype} ${formatShape(variable.shape)}`,
        received: `${value.dtype} ${formatShape(value.shape)}`,
      });
    entry.value = value;
  }

  /** Names a value that the host reads after each step. */
  result(name: string, value: Tensor): void {
    if (this.#results.has(name))
      throw new StateError({
        who: `result "${name}"`,
        expected: "each name once",
        received: "a second value",
      });
    this.#results.set(name, value);
  }

  finish(): Traced {
    const variables = new Map<string, Variable>();
    const updates: Update[] = [];
    for (const [variable, { leaf, value }] of this.#variables) {
      variables.set(leaf.node.attributes.name!, variable);
      if (value !== leaf) updates.push({ variable: leaf.node, value: inAxesOf(leaf, value) });
    }
    const results = [...this.#results].map(([name, value]) => ({
      name,
      node: value.node,
      axes: value.dimensions.flatMap((dimension) => dimension ?? []),
    }));
    return { computation: { results, updates }, variables };
  }

  #entry(variable: Variable): { leaf: Tensor; value: Tensor } {
    const known = this.#variables.get(variable);
    if (known) return known;
    const { axes, dimensions } = this.#axesOf(variable.shape);
    const name = `v${this.#variables.size}`;
    const node = this.graph.make("variable", [], { name, dtype: variable.dtype, axes });
    const leaf = new Tensor(this, node, dimensions);
    const entry = { leaf, value: leaf };
    this.#variables.set(variable, entry);
    return entry;
  }

  #axesOf(shape: Shape): { axes: Axis[]; dimensions: Dimension[] } {
    const dimensions = shape.map((size) => (size === 1 ? undefined : this.graph.axis(size)));
    return { axes: dimensions.flatMap((dimension) => dimension ?? []), dimensions };
  }
}

/** `value` with its axes named as those of `leaf`, position by position. */
function inAxesOf(leaf: Tensor, value: Tensor): Node {
  const names = value.dimensions.flatMap((dimension, i) => {
    const to = leaf.dimensions[i]?.name;
    return dimension && to && to !== dimension.name ? [[dimension.name, to] as const] : [];
  });
  const { node } = value;
  const needed = names.filter(([from]) => node.axes.some((axis) => axis.name === from));
  return needed.length > 0 ? value.trace.graph.make("rename", [node], { names: needed }) : node;
}
