/** A model as a table, in Keras's layout (keras/src/utils/summary_utils.py, printed by rich). */

import { bytesOf } from "../base/dtype.ts";
import type { Shape } from "../base/shape.ts";
import type { AnyLayer } from "../nn/layer.ts";
import type { Variable } from "../tensor/variable.ts";
import { Functional } from "./functional.ts";
import type { Net } from "./net.ts";
import { nodeIndices, type Topology } from "./topology.ts";

/** The widths of the columns' text at Keras's default of 88 characters, or 108 with connections. */
const narrow = [36, 27, 15] as const;
const wide = [29, 25, 15, 26] as const;

type Widths = readonly number[];
type Cells = readonly (readonly string[])[];

/**
 * The table: one row a layer, then the counts of parameters. Models that are no mere chain have a
 * column of what each layer is connected to. Ends with a line break.
 */
export function summary(net: Net): string {
  const connections = connectionsOf(net.topology);
  const widths = connections ? wide : narrow;
  const titles = ["Layer (type)", "Output Shape", "Param #", "Connected to"];
  const header = titles.slice(0, widths.length).map((title) => [title]);
  const rows = net.topology.layers.map((layer) => {
    const connected = connections && [connections.get(layer) || "-"];
    return row([...cellsOf(net, layer), ...(connected ?? [])].map(wrapped(widths)), "│", widths);
  });
  return [
    `Model: "${net.name}"`,
    rule("┏", "━", "┳", "┓", widths),
    row(header, "┃", widths),
    rule("┡", "━", "╇", "┩", widths),
    rows.join(`\n${rule("├", "─", "┼", "┤", widths)}\n`),
    rule("└", "─", "┴", "┘", widths),
    ...counts(net),
    "",
  ].join("\n");
}

/** What each layer's applications take, as `layer[application][output]`; undefined for a chain. */
function connectionsOf(topology: Topology): Map<AnyLayer, string> | undefined {
  if (!(topology instanceof Functional)) return undefined;
  const { nodes, layers } = topology;
  const isChain = nodes.every(({ inputs }, i) =>
    i === 0 ? inputs.length === 0 : inputs.length === 1 && inputs[0] === nodes[i - 1],
  );
  if (isChain && layers.length === nodes.length) return undefined;
  const indices = nodeIndices(nodes);
  const texts = layers.map((layer) => {
    const inputs = nodes.filter((node) => node.layer === layer).flatMap((node) => node.inputs);
    return inputs.map((node) => `${node.layer.name}[${indices.get(node)}][0]`).join(", ");
  });
  return new Map(layers.map((layer, i) => [layer, texts[i]!] as const));
}

function cellsOf(net: Net, layer: AnyLayer): string[] {
  const shape = shapeOf(net.topology, layer);
  const params = layer.built ? formatCount(layer.countParams()) : "0 (unbuilt)";
  return [`${layer.name} (${layer.className})`, shape ? formatOutput(shape) : "?", params];
}

/** Of a shared layer, the shape of its last application. */
function shapeOf(topology: Topology, layer: AnyLayer): Shape | undefined {
  if (!(topology instanceof Functional)) return topology.outputShapeOf(layer);
  return topology.nodes.findLast((node) => node.layer === layer)?.tensor.shape;
}

function counts(net: Net): string[] {
  const trainable = new Set<Variable>(net.trainableWeights);
  const others = net.weights.filter((weight) => !trainable.has(weight));
  const optimizer = net.compiled?.optimizer;
  const own = sizesOf([...trainable]);
  const rest = sizesOf(others);
  const slots = optimizer?.built ? optimizer.countParams() : undefined;
  const slotBytes = (slots ?? 0) * bytesOf("float32");
  const line = (name: string, count: number, bytes: number) =>
    ` ${name} params: ${formatCount(count)} (${formatBytes(bytes)})`;
  return [
    line("Total", own.count + rest.count + (slots ?? 0), own.bytes + rest.bytes + slotBytes),
    line("Trainable", own.count, own.bytes),
    line("Non-trainable", rest.count, rest.bytes),
    ...(slots === undefined ? [] : [line("Optimizer", slots, slotBytes)]),
  ];
}

function sizesOf(variables: readonly Variable[]): { count: number; bytes: number } {
  const count = variables.reduce((sum, variable) => sum + variable.size, 0);
  const bytes = variables.reduce((sum, { size, dtype }) => sum + size * bytesOf(dtype), 0);
  return { count, bytes };
}

const formatOutput = (shape: Shape): string =>
  `(None${shape.map((size) => `, ${size}`).join("")}${shape.length === 0 ? "," : ""})`;

const formatCount = (count: number): string => `${count}`.replace(/\B(?=(\d{3})+$)/g, ",");

/** `1.91 MB`, in steps of 1024. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(2)} ${units[unit]}`;
}

const rule = (left: string, line: string, between: string, right: string, widths: Widths): string =>
  left + widths.map((width) => line.repeat(width + 2)).join(between) + right;

/** Lines of a table row; counts are aligned to the right. */
function row(cells: Cells, bar: string, widths: Widths): string {
  const height = Math.max(...cells.map((lines) => lines.length));
  const lines = Array.from({ length: height }, (_, i) => {
    const texts = cells.map((cell, column) => {
      const text = cell[i] ?? "";
      return column === 2 ? text.padStart(widths[column]!) : text.padEnd(widths[column]!);
    });
    return `${bar} ${texts.join(` ${bar} `)} ${bar}`;
  });
  return lines.join("\n");
}

const wrapped = (widths: Widths) => (text: string, column: number) => wrap(text, widths[column]!);

/** Words on lines of at most `width`; a longer word ends with an ellipsis. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word.length > width ? `${word.slice(0, width - 1)}…` : word);
  }
  return lines;
}
