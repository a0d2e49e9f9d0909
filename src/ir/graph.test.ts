import { describe, expect, it } from "vitest";
import { Graph } from "./graph.ts";
import { type Axis, GraphError, topological } from "./node.ts";

const a: Axis = { name: "a", size: 2 };
const b: Axis = { name: "b", size: 3 };
const leaf = (g: Graph, name: string, axes: readonly Axis[]) =>
  g.make("input", [], { name, dtype: "float32", axes });

describe("Graph", () => {
  it("makes one node of the same op, inputs and attributes", () => {
    const g = new Graph();
    const [x, y] = [leaf(g, "x", [a]), leaf(g, "y", [a])];
    expect(g.make("add", [x, y])).toBe(g.make("add", [x, y]));
    expect(g.make("add", [x, y])).not.toBe(g.make("add", [y, x]));
    expect(leaf(g, "x", [a])).toBe(x);
    expect(g.size).toBe(4);
  });

  it("tells constants apart that JSON writes alike", () => {
    const g = new Graph();
    const values = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    expect(new Set(values.map((value) => g.constant(value, "float32"))).size).toBe(5);
    expect(g.constant(0, "int32")).not.toBe(g.constant(0, "float32"));
  });

  it("orders axes as the widest input does, then adds those of the others", () => {
    const g = new Graph();
    const node = g.make("add", [leaf(g, "x", [b]), leaf(g, "y", [a, b])]);
    expect(node.axes.map((axis) => axis.name)).toEqual(["a", "b"]);
  });

  it("gives axes new names", () => {
    const g = new Graph();
    expect(g.axis(3).name).not.toBe(g.axis(3).name);
  });
});

describe("rows refuse", () => {
  const g = new Graph();
  const x = leaf(g, "x", [a, b]);
  const i = g.make("index", [], { axes: [a] });
  const refuses = (make: () => unknown, text: string) => {
    expect(make).toThrow(GraphError);
    expect(make).toThrow(text);
  };

  it("the wrong number of inputs, and ops that do not exist", () => {
    refuses(() => g.make("add", [x]), "add: 2 inputs, got 1.");
    refuses(() => g.make("multiplyTwice", [x]), "multiplyTwice: an op of the table");
  });

  it("dtypes that do not fit", () => {
    refuses(
      () => g.make("add", [x, i]),
      "add: inputs of one fitting dtype, got float32[a,b], uint",
    );
    refuses(() => g.make("tanh", [i]), "tanh: inputs of one fitting dtype");
    refuses(() => g.make("select", [x, x, x]), "select: a bool and two inputs of one dtype");
    refuses(() => g.make("contract", [i, i], { over: ["a"] }), "contract: float32 inputs");
    refuses(() => g.make("gather", [x, i]), "gather: a table and uint32 indices");
  });

  it("one axis name of two sizes", () => {
    const y = leaf(g, "y", [{ name: "a", size: 7 }]);
    refuses(() => g.make("add", [x, y]), "add: one size for axis a");
    refuses(() => g.make("contract", [x, y], { over: ["a"] }), "contract: one size for axis a");
  });

  it("axes that are not there", () => {
    refuses(() => g.make("sum", [x], { over: ["z"] }), "sum: the reduced axes z in its input");
    refuses(() => g.make("max", [x], { over: [] }), "max: the reduced axes  in its input");
    const over = ["b"];
    refuses(
      () => g.make("contract", [x, leaf(g, "z", [a])], { over }),
      "the reduced axes b in both",
    );
    refuses(() => g.make("split", [x], { axis: "z", axes: [a] }), "split: axis z");
  });

  it("cuts of more than one axis", () => {
    const cut = { over: ["a", "b"], cuts: [0, 1, 2] };
    refuses(
      () => g.make("contract", [x, x], cut),
      "contract: one reduced axis where there are cuts",
    );
  });

  it("views that change the number of elements or double a name", () => {
    const into = { name: "m", size: 5 };
    refuses(() => g.make("merge", [x], { over: ["a", "b"], into }), "merge: an axis of size 6");
    refuses(() => g.make("split", [x], { axis: "b", axes: [a] }), "split: axes of size 2");
    refuses(() => g.make("rename", [x], { names: [["a", "b"]] }), "rename: different axis names");
  });
});

describe("topological", () => {
  it("has inputs before users and each node once", () => {
    const g = new Graph();
    const x = leaf(g, "x", [a]);
    const sum = g.make("add", [x, x]);
    const root = g.make("multiply", [g.make("negate", [sum]), sum]);
    const order = topological([root, sum]);
    expect(order.map((node) => node.op)).toEqual(["input", "add", "negate", "multiply"]);
  });

  it("walks graphs deeper than the stack", () => {
    const g = new Graph();
    let node = leaf(g, "x", [a]);
    for (let i = 0; i < 50_000; i++) node = g.make("negate", [node]);
    expect(topological([node]).length).toBe(50_001);
  });
});
