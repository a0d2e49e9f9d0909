/** Reverse-mode differentiation: one walk from the loss to its inputs, asking each op's row. */
import { GraphError, hasAxis, type Maker, type Node, sizeOfAxes, topological } from "../ir/node.ts";
import { rowOf } from "../ir/ops.ts";
import { Tensor } from "./tensor.ts";

/**
 * d(sum of `loss`) / d`wrt`, each in the shape of its tensor; zeros where the loss does not depend
 * on it. `of` gives the gradient that flows in (default: ones).
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[], of?: Tensor): Tensor[] {
  const { trace } = loss;
  const { graph } = trace;
  const found = new Map<Node, Node>();
  // A loss that is the same along some of its dimensions counts once for each element.
  const repeats = loss.dimensions.filter((d) => d && !hasAxis(loss.node.axes, d.name));
  const seed = of?.node ?? graph.constant(sizeOfAxes(repeats.flatMap((d) => d ?? [])), "float32");
  found.set(loss.node, seed);
  const needed = dependsOn(loss.node, new Set(wrt.map((tensor) => tensor.node)));
  for (const node of topological([loss.node]).reverse()) {
    const gradient = found.get(node);
    if (!gradient || !needed.has(node) || node.inputs.length === 0) continue;
    const row = rowOf(node.op);
    if (!row.gradient) continue;
    for (const [i, part] of row.gradient(graph, node, gradient).entries()) {
      const input = node.inputs[i]!;
      if (!part || !needed.has(input)) continue;
      const fitted = sumToAxesOf(graph, part, node, input);
      const before = found.get(input);
      found.set(input, before ? graph.make("add", [before, fitted]) : fitted);
    }
  }
  return wrt.map((tensor) => {
    const node = found.get(tensor.node) ?? graph.constant(0, "float32");
    return new Tensor(trace, node, tensor.dimensions);
  });
}

/** The nodes between the loss and `leaves`. */
function dependsOn(loss: Node, leaves: ReadonlySet<Node>): Set<Node> {
  const needed = new Set<Node>();
  for (const node of topological([loss]))
    if (leaves.has(node) || node.inputs.some((input) => needed.has(input))) needed.add(node);
  return needed;
}

/**
 * The gradient in the axes of `input`, which `node` may have broadcast: summed over the axes that
 * `node` has beyond it; where the gradient is the same along such an axis, it counts that often.
 */
function sumToAxesOf(make: Maker, gradient: Node, node: Node, input: Node): Node {
  const row = rowOf(node.op);
  if (row.kind !== "elementwise") {
    const strange = gradient.axes.filter((axis) => !hasAxis(input.axes, axis.name));
    if (strange.length > 0)
      throw new GraphError({
        who: `gradient of ${node.op}`,
        expected: "it has only axes of its input",
        received: strange.map((axis) => axis.name).join(" "),
      });
    return gradient;
  }
  const beyond = node.axes.filter((axis) => !hasAxis(input.axes, axis.name));
  const there = beyond.filter((axis) => hasAxis(gradient.axes, axis.name));
  const absent = beyond.filter((axis) => !there.includes(axis));
  let fitted = gradient;
  if (there.length > 0)
    fitted = make.make("sum", [fitted], { over: there.map((axis) => axis.name) });
  if (absent.length > 0)
    fitted = make.make("multiply", [fitted, make.constant(sizeOfAxes(absent), "float32")]);
  return fitted;
}
