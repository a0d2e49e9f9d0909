/** Rows that reduce axes: sums, maxima and contractions. */
import { type Axis, axisNames, hasAxis, type Maker, type Node } from "./node.ts";
import { fail, isFloat, isNumeric, type OpRow, reduced, select, unionAxes } from "./row.ts";

export const reductions = {
  sum: {
    kind: "reduce",
    inputs: 1,
    // Numbers only: whether a bool is 1 or all bits set, and where a byte wraps, devices differ in.
    type: (op, inputs, attributes) => {
      if (!isNumeric(inputs[0]!.dtype))
        fail(op, "a number that is no byte (cast it first)", inputs);
      return reduced(op, inputs, attributes);
    },
    evaluate: ([a, b]) => a! + b!,
    ulps: 0.5,
    neutral: () => 0,
    gradient: (_, __, g) => [g],
    cost: 1,
  },
  max: {
    kind: "reduce",
    inputs: 1,
    type: reduced,
    // A NaN anywhere is the result, as in Keras and PyTorch.
    evaluate: ([a, b]) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a!, b!)),
    neutral: (dtype) =>
      dtype === "uint32" ? 0 : dtype === "int32" ? -(2 ** 31) : Number.NEGATIVE_INFINITY,
    // Shared in equal parts by all elements that are the largest, as JAX does.
    gradient: (make, node, g) => {
      const [a] = node.inputs;
      const zero = make.constant(0, "float32");
      const largest = make.make("equal", [a!, node]);
      const hits = make.make("cast", [largest], { dtype: "float32" });
      const count = make.make("sum", [hits], { over: node.attributes.over! });
      return [select(make, largest, make.make("divide", [g, count]), zero)];
    },
    cost: 1,
  },
  /**
   * Sum of products over the reduced axes: matrix products, their gradients, convolutions. An axis
   * of both inputs that is not reduced is a batch axis. Result: axes of `a`, then what `b` adds.
   */
  contract: {
    kind: "contract",
    inputs: 2,
    type: (op, inputs, { over = [], cuts }) => {
      const [a, b] = inputs;
      if (!isFloat(a!.dtype) || !isFloat(b!.dtype)) fail(op, "float32 inputs", inputs);
      if (over.length === 0 || !over.every((n) => hasAxis(a!.axes, n) && hasAxis(b!.axes, n)))
        fail(op, `the reduced axes ${over} in both inputs`, inputs);
      if (cuts && over.length !== 1) fail(op, "one reduced axis where there are cuts", inputs);
      const axes = unionAxes(op, inputs);
      const own = (x: Node) => x.axes.filter((axis) => !over.includes(axis.name));
      const names = axisNames(own(a!));
      const order = [...own(a!), ...own(b!).filter((axis) => !names.includes(axis.name))];
      return { dtype: "float32", axes: order.map((o) => axes.find((x) => x.name === o.name)!) };
    },
    gradient: (make, { inputs: [a, b] }, g) => [
      contractOver(make, g, b!, a!.axes),
      contractOver(make, a!, g, b!.axes),
    ],
    cost: 2,
  },
} as const satisfies Record<string, OpRow>;

/**
 * The contraction of `a` and `b` over every axis that `keep` does not have, whatever axes the two
 * have: an axis of only one of them is summed there; where none is shared it is a product.
 */
function contractOver(make: Maker, a: Node, b: Node, keep: readonly Axis[]): Node {
  const gone = (node: Node) => axisNames(node.axes).filter((name) => !hasAxis(keep, name));
  const shared = gone(a).filter((name) => hasAxis(b.axes, name));
  const alone = (node: Node) => {
    const over = gone(node).filter((name) => !shared.includes(name));
    return over.length > 0 ? make.make("sum", [node], { over }) : node;
  };
  if (shared.length === 0) return make.make("multiply", [alone(a), alone(b)]);
  return make.make("contract", [alone(a), alone(b)], { over: shared });
}
