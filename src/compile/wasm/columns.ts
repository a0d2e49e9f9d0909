/**
 * Reductions across rows: the vector axis stays, the reduced axes lie outside it. Each vector of the
 * result is one chain of additions in the order of the rows; what follows runs on it at once.
 */
import { axisNames, type Node } from "../../ir/node.ts";
import { rowOf } from "../../ir/ops.ts";
import type { Kernel, Store } from "../kernel.ts";
import { operandsOf, Scope } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import { combine, lane } from "./renderer.ts";
import { destination } from "./rows.ts";

export function emitColumns(frame: Frame, kernel: Kernel): void {
  const { code } = frame;
  const anchor = kernel.anchor!;
  const over = anchor.attributes.over!;
  const reduced = anchor.inputs[0]!.axes.filter((axis) => over.includes(axis.name));
  const isPrologue = prologueOf(kernel);
  const before = kernel.nodes.filter(isPrologue);
  const after = kernel.nodes.filter((node) => !isPrologue(node));
  const [axis] = kernel.inner;
  const { from, to } = frame.bounds(axis!);
  const neutral = frame.constant(lane(rowOf(anchor.op).neutral!(anchor.dtype), anchor.dtype));
  const write = (stores: readonly Store[], scope: Scope) => {
    for (const store of stores) {
      const { access, origin } = destination(frame, kernel, store);
      const pointer = frame.pointer(access, origin);
      frame.storeVector(access, pointer, scope.operand(store.node));
      code.release(pointer);
    }
  };

  frame.loops(kernel.outer, () => {
    const outside = new Scope(frame, new Set(kernel.nodes), new Map());
    aimAll(outside, kernel, after, axis!.name);
    frame.vectors(axis!, from, to, () => {
      const accumulator = code.local("v128");
      code.get(neutral).set(accumulator);
      const across = (axes: typeof reduced): void => {
        const [first, ...others] = axes;
        if (first) return frame.range(first, 0, first.size, () => across(others));
        const inside = outside.child();
        for (const node of before) inside.compute(node);
        code.get(accumulator).get(inside.operand(anchor.inputs[0]!));
        combine(code, anchor);
        code.set(accumulator);
        write(
          kernel.stores.filter(({ node }) => isPrologue(node)),
          inside,
        );
        inside.close();
      };
      across(reduced);
      const result = outside.child();
      result.put(anchor, accumulator);
      for (const node of after) result.compute(node);
      write(
        kernel.stores.filter(({ node }) => !isPrologue(node)),
        result,
      );
      result.close();
    });
    outside.close();
  });
}

/** Members that run before the reduction: those that it is made of. */
function prologueOf(kernel: Kernel): (node: Node) => boolean {
  const members = new Set(kernel.nodes);
  const found = new Set<Node>();
  const visit = (node: Node) => {
    if (!members.has(node) || found.has(node)) return;
    found.add(node);
    for (const input of node.inputs) visit(input);
  };
  visit(kernel.anchor!.inputs[0]!);
  return (node) => found.has(node);
}

/** Loads what does not change along the vector, and takes the addresses of what does, once a row. */
function aimAll(scope: Scope, kernel: Kernel, nodes: readonly Node[], along: string): void {
  const loops = [along, ...axisNames(kernel.outer)];
  for (const node of operandsOf(kernel, nodes))
    if (node.axes.every(({ name }) => loops.includes(name))) scope.aim(node, along);
}

/** Numbers without axes: computed once, stored one by one. */
export function emitUniform(frame: Frame, kernel: Kernel): void {
  const scope = new Scope(frame, new Set(kernel.nodes), new Map());
  for (const node of kernel.nodes) scope.compute(node);
  for (const store of kernel.stores) {
    const { access, origin } = destination(frame, kernel, store);
    const pointer = frame.pointer(access, origin);
    frame.storeOne(access, pointer, scope.operand(store.node));
    frame.code.release(pointer);
  }
  scope.close();
}
