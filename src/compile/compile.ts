/**
 * The compiler: a canonical computation becomes one program. The passes stand here in their order; each
 * is a plain function with a name, and says what it did.
 */
import { bytesOf } from "../base/dtype.ts";
import { type Computation, rootsOf } from "../ir/graph.ts";
import { type Axis, GraphError, type Node, sizeOfAxes, topological } from "../ir/node.ts";
import { print } from "../ir/print.ts";
import { layoutOfNode } from "./access.ts";
import { type Form, formOf } from "./form.ts";
import type { Kernel } from "./kernel.ts";
import { layoutOf, roundUp } from "./layout.ts";
import { planMemory } from "./passes/memory.ts";
import { barriersOf, deferWrites, order } from "./passes/order.ts";
import { splitPartials } from "./passes/partials.ts";
import { arrangeForms, fuseProducts, simplifyAndLower } from "./passes/rules.ts";
import { schedule } from "./passes/schedule.ts";
import { type SharedKernel, share } from "./passes/shard.ts";
import { unifyAxes } from "./passes/unify.ts";
import type { ArgumentWord, Program, ProgramField } from "./program.ts";
import { kernelReport, printProgram } from "./report.ts";
import type { TileOptions } from "./tile.ts";
import { Module } from "./wasm/assembler.ts";
import type { Frame, KernelArgument } from "./wasm/frame.ts";
import { emitKernel } from "./wasm/kernels.ts";
import { emitStep, type StepItem, syncLineBytes } from "./wasm/step.ts";

export interface CompileOptions {
  /** Threads to run on; a program that is too small to split takes fewer. */
  readonly threads: number;
  /** Whether the host's relaxed multiply-add is fused. */
  readonly fma: boolean;
  /** Whether the memory is shared; more than one thread needs it. */
  readonly shared: boolean;
  readonly tiles?: TileOptions | undefined;
}

/** The passes on graphs, in order. */
const graphPasses: readonly { name: string; run: (computation: Computation) => Computation }[] = [
  { name: "simplify and decompose", run: simplifyAndLower },
  { name: "unify axes", run: unifyAxes },
  { name: "sink views, cut long sums", run: arrangeForms },
  { name: "fuse products and sums", run: fuseProducts },
];

export function compile(computation: Computation, options: CompileOptions): Program {
  const passes: { name: string; summary: string }[] = [];
  const note = (name: string, summary: string) => passes.push({ name, summary });
  let graph = computation;
  const traced = topological(rootsOf(computation));
  checkSizes([...traced, ...computation.results]);
  let size = traced.length;
  for (const { name, run } of graphPasses) {
    graph = run(graph);
    const after = topological(rootsOf(graph)).length;
    note(name, `${size} nodes -> ${after}`);
    size = after;
  }
  let kernels: Kernel[] = schedule(graph);
  note("schedule", `${kernels.length} kernels, ${contractionsIn(kernels)} of them contractions`);
  if (options.threads > 1) {
    const before = kernels.length;
    kernels = splitPartials(kernels, new Set(graph.updates.map(({ variable }) => variable)));
    note("partial sums", `${kernels.length - before} contractions split along their sums`);
  }
  kernels = order(deferWrites(kernels));
  note("order", `${kernels.length} kernels in a row`);
  const { threads, kernels: shared } = share(kernels, options.threads);
  note("shard", shareSummary(shared, threads));
  const barriers = barriersOf(shared, threads);
  note("barriers", `${barriers.length} a step${threads > 1 ? ", and one at its end" : ""}`);
  const memory = planMemory(shared, barriers, threads);
  note("memory", `${memory.arenaBytes} bytes of arena, reused over the step`);

  const fields = fieldsOf(graph);
  const module = new Module(options.shared);
  const codes = new Map<string, EmittedCode>();
  const emitted = shared.map(({ kernel, share }) => {
    const split = share.kind === "split" ? share.axis.name : undefined;
    const form = formOf(kernel, split);
    let code = codes.get(form.text);
    if (!code) {
      const frame = emitKernel(kernel, split, { fma: options.fma, tiles: options.tiles });
      code = { frame, form, function: module.add(frame.code) };
      module.export(`kernel${code.function}`, code.function);
      codes.set(form.text, code);
    }
    return { code, form };
  });

  // The items of a step and, side by side, each thread's table of arguments.
  const items: StepItem[] = [];
  const records: number[] = [];
  const tables: ArgumentWord[][] = Array.from({ length: threads }, () => []);
  const copiesAt = roundUp(
    Math.max(0, ...[...codes.values()].map(({ frame }) => frame.scratchBytes)),
    128,
  );
  for (const [i, { share }] of shared.entries()) {
    if (barriers.some(({ before }) => before === i)) items.push({ kind: "wait" });
    const { code, form } = emitted[i]!;
    const record = 4 * tables[0]!.length;
    records.push(record);
    items.push({
      kind: "kernel",
      function: code.function,
      record,
      onlyFirst: share.kind === "single" && threads > 1,
    });
    for (const [t, table] of tables.entries())
      for (const argument of code.frame.arguments)
        table.push(wordOf(argument, code, form, share, t));
    if (barriers.some(({ after }) => after === i)) items.push({ kind: "signal" });
  }
  function wordOf(
    argument: KernelArgument,
    code: EmittedCode,
    form: Form,
    share: SharedKernel["share"],
    t: number,
  ): ArgumentWord {
    switch (argument.kind) {
      case "scratch":
        return { kind: "scratch", offset: 0 };
      case "from":
      case "to": {
        const at = argument.kind === "from" ? t : t + 1;
        return { kind: "number", value: share.kind === "split" ? share.bounds[at]! : 0 };
      }
      case "result":
        return {
          kind: "number",
          value: fields.result(resultName(argument.name, code, form)).offset,
        };
      case "place":
        return placeOf(form.places[code.form.places.indexOf(argument.node)]!);
    }
  }
  function placeOf(node: Node): ArgumentWord {
    const offset = memory.arena.get(node);
    if (offset !== undefined) return { kind: "arena", offset };
    const copy = memory.copies.get(node);
    if (copy !== undefined) return { kind: "scratch", offset: copiesAt + copy };
    const name = node.attributes.name!;
    if (node.op === "input") return { kind: "number", value: fields.input(name).offset };
    return { kind: node.op === "table" ? "table" : "variable", name, offset: 0 };
  }

  emitStep(module, {
    items,
    threads,
    inputBytes: fields.inputBytes,
    resultBytes: fields.resultBytes,
  });
  const bytes = module.finish();
  note("emit", `${bytes.length} bytes, ${codes.size} functions for ${shared.length} kernels`);
  const reports = shared.map((kernel, i) =>
    kernelReport(kernel, emitted[i]!.code.function, options.tiles),
  );
  const report = {
    passes,
    kernels: reports,
    barriers: barriers.length,
    flops: reports.reduce((sum, { flops }) => sum + flops, 0),
  };
  const leaves = topological(rootsOf(graph));
  const written = new Set(graph.updates.map(({ variable }) => variable));
  return {
    source: print(computation),
    text: printProgram(graph, report, items, memory),
    bytes,
    threads,
    fma: options.fma,
    shared: options.shared,
    variables: leaves
      .filter(({ op }) => op === "variable")
      .map((node) => ({
        name: node.attributes.name!,
        dtype: node.dtype,
        axes: node.axes,
        layout: layoutOfNode(node),
        written: written.has(node),
      })),
    tables: leaves
      .filter(({ op }) => op === "table")
      .map((node) => ({
        name: node.attributes.name!,
        dtype: node.dtype,
        rowSize: sizeOfAxes(node.axes),
      })),
    inputs: fields.inputs,
    results: fields.results,
    inputBytes: fields.inputBytes,
    resultBytes: fields.resultBytes,
    arenaBytes: memory.arenaBytes,
    scratchBytes: copiesAt + memory.copyBytes,
    syncBytes: threads * syncLineBytes,
    arguments: tables,
    records,
    report,
  };
}

/** Loops run at least once: nothing is left to compute where an axis has no elements. */
function checkSizes(values: readonly { readonly axes: readonly Axis[] }[]): void {
  const empty = values.flatMap(({ axes }) => axes).find(({ size }) => !(size >= 1));
  if (empty)
    throw new GraphError({
      who: "compile",
      expected: "every axis must have at least one element",
      received: `${empty.size} along ${empty.name}`,
    });
}

/** A function, and the kernel's form that it was first emitted for. */
interface EmittedCode {
  readonly frame: Frame;
  readonly form: Form;
  readonly function: number;
}

/** The result of another kernel of the same form that stands where `name` stood in the first. */
const resultName = (name: string, code: EmittedCode, form: Form): string =>
  form.results[code.form.results.indexOf(name)]!;

/** The records of a step: what the host writes, and what it reads. */
function fieldsOf(computation: Computation) {
  const record = (
    list: readonly { name: string; dtype: Node["dtype"]; axes: readonly Axis[] }[],
  ) => {
    let offset = 0;
    const fields = list.map(({ name, dtype, axes }): ProgramField => {
      const layout = layoutOf(
        axes.map((axis) => axis.size),
        dtype,
      );
      // Numbers without axes stand side by side: a record of a step is short.
      const bytes = axes.length === 0 ? bytesOf("float32") : layout.bytes;
      const at = axes.length === 0 ? offset : roundUp(offset, 64);
      offset = at + bytes;
      return { name, dtype, axes, offset: at, layout };
    });
    return { fields, bytes: Math.max(64, roundUp(offset, 64)) };
  };
  const inputs = record(
    topological(rootsOf(computation))
      .filter(({ op }) => op === "input")
      .map(({ attributes, dtype, axes }) => ({ name: attributes.name!, dtype, axes })),
  );
  const results = record(
    computation.results.map(({ name, node, axes }) => ({ name, dtype: node.dtype, axes })),
  );
  const named = (list: readonly ProgramField[]) => {
    const map = new Map(list.map((field) => [field.name, field]));
    return (name: string) => map.get(name)!;
  };
  return {
    inputs: inputs.fields,
    results: results.fields,
    inputBytes: inputs.bytes,
    resultBytes: results.bytes,
    input: named(inputs.fields),
    result: named(results.fields),
  };
}

const contractionsIn = (kernels: readonly Kernel[]): number =>
  kernels.filter(({ kind }) => kind === "contract").length;

function shareSummary(kernels: readonly SharedKernel[], threads: number): string {
  const count = (kind: SharedKernel["share"]["kind"]) =>
    kernels.filter(({ share }) => share.kind === kind).length;
  if (threads === 1) return "one thread";
  return `${threads} threads: ${count("split")} kernels split, ${count("single")} on one thread, ${count("copies")} on each`;
}
