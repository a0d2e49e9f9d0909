/** The names of a traced step, bound to variables, tables, inputs and results. */
import type { DType, TypedArray } from "../base/dtype.ts";
import { NameError, ShapeError } from "../base/errors.ts";
import { formatShape, sameShape } from "../base/shape.ts";
import type { Canonical } from "../ir/canonical.ts";
import { rootsOf } from "../ir/graph.ts";
import { type Node, sizeOfAxes, topological } from "../ir/node.ts";
import type { Traced } from "../tensor/trace.ts";
import type { Variable } from "../tensor/variable.ts";
import { ownTable, type ResidentTable, type Table } from "./tables.ts";
import { copyAs } from "./views.ts";

/** Everything a step's names stand for. Names are canonical ones, `traced` is the user's. */
export interface Binding {
  /** Those that the step reads or writes, each once, and their names in the same order. */
  readonly variables: readonly Variable[];
  readonly variableNames: readonly string[];
  readonly tables: readonly {
    readonly name: string;
    readonly traced: string;
    readonly table: ResidentTable;
  }[];
  readonly inputs: readonly InputField[];
  /** Canonical name -> traced name. */
  readonly results: ReadonlyMap<string, string>;
}

interface InputField {
  readonly name: string;
  readonly traced: string;
  readonly dtype: DType;
  /** Numbers for one step. */
  readonly size: number;
}

/** Binds a step for `owner`, an engine; tables that it does not use are left alone. */
export function bind(
  owner: object,
  canonical: Canonical,
  traced: Traced,
  tables: Readonly<Record<string, Table>>,
): Binding {
  const leaves = topological(rootsOf(canonical.computation)).filter(
    (node) => node.attributes.name !== undefined,
  );
  const of = (op: string) =>
    leaves
      .filter((node) => node.op === op)
      .map((node) => {
        const name = node.attributes.name!;
        return { node, name, traced: canonical.leaves.get(name)! };
      });
  const variables = of("variable");
  return {
    variables: variables.map((leaf) => traced.variables.get(leaf.traced)!),
    variableNames: variables.map(({ name }) => name),
    tables: of("table").map((leaf) => ({
      name: leaf.name,
      traced: leaf.traced,
      table: tableFor(owner, leaf.node, leaf.traced, tables),
    })),
    inputs: of("input").map((leaf) => ({
      name: leaf.name,
      traced: leaf.traced,
      dtype: leaf.node.dtype,
      size: sizeOfAxes(leaf.node.axes),
    })),
    results: canonical.results,
  };
}

function tableFor(
  owner: object,
  leaf: Node,
  name: string,
  tables: Readonly<Record<string, Table>>,
): ResidentTable {
  const given = tables[name];
  if (given === undefined)
    throw new NameError({
      who: "load",
      expected: `a table named "${name}"`,
      received: Object.keys(tables).join(", ") || "none",
    });
  const table = ownTable(owner, given, `table "${name}"`);
  const sizes = leaf.axes.map((axis) => axis.size);
  const isSame = sameShape(
    sizes,
    table.rowShape.filter((size) => size !== 1),
  );
  if (!isSame || table.dtype !== leaf.dtype)
    throw new ShapeError({
      who: `table "${name}"`,
      expected: `rows must be ${leaf.dtype} of shape ${formatShape(sizes)} (sizes of 1 left out)`,
      received: `${table.dtype} of shape ${formatShape(table.rowShape)}`,
    });
  return table;
}

/**
 * Copies of a call's inputs by canonical name; inputs that the step does not use are left alone.
 *
 * @throws NameError, ShapeError if one is missing, or has not `steps` times its numbers
 */
export function inputsFor(
  { inputs }: Binding,
  steps: number,
  given: Readonly<Record<string, TypedArray>>,
): Map<string, TypedArray> {
  return new Map(
    inputs.map(({ name, traced, dtype, size }) => {
      const values = given[traced];
      if (values === undefined)
        throw new NameError({
          who: "run",
          expected: `an input named "${traced}"`,
          received: Object.keys(given).join(", ") || "none",
        });
      if (values.length !== steps * size)
        throw new ShapeError({
          who: `input "${traced}"`,
          expected: `${steps} x ${size} numbers, for so many steps`,
          received: `${values.length}`,
        });
      return [name, copyAs(dtype, values)] as const;
    }),
  );
}
