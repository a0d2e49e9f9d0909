/** For tests: a step with a hand-written program that can also be told to fail. */

import type { CompileOptions } from "../compile/compile.ts";
import { layoutOf, lineBytes } from "../compile/layout.ts";
import type { Program, ProgramField } from "../compile/program.ts";
import { Code, type Local, Module } from "../compile/wasm/assembler.ts";
import type { Computation } from "../ir/graph.ts";
import { rootsOf } from "../ir/graph.ts";
import { topological } from "../ir/node.ts";
import { Trace, type Traced } from "../tensor/trace.ts";
import { Variable } from "../tensor/variable.ts";

/** What the input `command` makes the program do in that step. */
export const commands = {
  nothing: 0,
  /** Every thread traps. */
  trap: 1,
  /** Every thread runs for ever. */
  spin: 2,
  /** The last thread traps while the others run for ever. */
  trapBesideSpin: 3,
  /** The last thread traps while the others sleep for ever. */
  trapBesideSleep: 4,
  /** The result `echo` becomes the first word of the arena, which becomes 7. */
  arena: 5,
};

/** `v` grows by the input `x`; results: `value` (the new v) and `echo` (the input `command`). */
export function traceAccumulate(size: number): { traced: Traced; variable: Variable } {
  const variable = new Variable({ path: `v/${size}`, shape: [size] });
  return { traced: traceOn(variable), variable };
}

export function traceOn(variable: Variable): Traced {
  const trace = new Trace();
  const sum = trace.read(variable).add(trace.input("x", "float32", variable.shape));
  trace.assign(variable, sum);
  trace.result("value", sum);
  trace.result("echo", trace.input("command", "int32", []));
  return trace.finish();
}

/** Inputs of a call that adds `x` to every number in each of the steps. */
export function inputsOf(size: number, steps: number, x: number, command = commands.nothing) {
  return {
    x: new Float32Array(steps * size).fill(x),
    command: new Int32Array(steps).fill(command),
  };
}

/** The program for any `traceAccumulate`. */
export function compileFake(computation: Computation, settings: CompileOptions): Program {
  const leaves = topological(rootsOf(computation)).filter((node) => node.attributes.name);
  const variable = leaves.find((node) => node.op === "variable")!;
  const x = leaves.find((node) => node.op === "input" && node.dtype === "float32")!;
  const command = leaves.find((node) => node.op === "input" && node.dtype === "int32")!;
  const resultOf = (dtype: string) =>
    computation.results.find((result) => result.node.dtype === dtype)!.name;
  const layout = layoutOf([x.axes[0]!.size], "float32");
  const one = layoutOf([], "int32");
  const vector = (name: string): ProgramField => ({
    name,
    dtype: "float32",
    axes: x.axes,
    offset: 0,
    layout,
  });
  const scalar = (name: string): ProgramField => ({
    name,
    dtype: "int32",
    axes: [],
    offset: layout.bytes,
    layout: one,
  });
  const lines = layout.bytes / lineBytes;
  const threads = Math.min(settings.threads, lines);
  const recordBytes = layout.bytes + one.bytes;
  const bound = (thread: number) => Math.floor((lines * thread) / threads) * lineBytes;
  return {
    source: "fake",
    text: "fake",
    bytes: assemble(settings.shared, layout.bytes, recordBytes),
    threads,
    fma: settings.fma,
    shared: settings.shared,
    variables: [
      {
        name: variable.attributes.name!,
        dtype: "float32",
        axes: variable.axes,
        layout,
        written: true,
      },
    ],
    tables: [],
    inputs: [vector(x.attributes.name!), scalar(command.attributes.name!)],
    results: [vector(resultOf("float32")), scalar(resultOf("int32"))],
    inputBytes: recordBytes,
    resultBytes: recordBytes,
    arenaBytes: 256,
    scratchBytes: 64,
    syncBytes: 64,
    records: [],
    arguments: Array.from({ length: threads }, (_, thread) => [
      { kind: "variable", name: variable.attributes.name!, offset: 0 },
      { kind: "number", value: bound(thread) },
      { kind: "number", value: bound(thread + 1) },
      { kind: "number", value: thread === threads - 1 ? 1 : 0 },
      { kind: "arena", offset: 0 },
    ]),
    report: { passes: [], kernels: [], barriers: 0, flops: 0 },
  };
}

function assemble(shared: boolean, vectorBytes: number, recordBytes: number) {
  const code = new Code(["i32", "i32", "i32", "i32", "i32", "i32"]);
  const [words, inputs, results, steps, sync] = code.parameters as [
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const word = (index: number): Local => {
    const local = code.local("i32");
    code
      .get(words)
      .do("i32.load", index * 4)
      .set(local);
    return local;
  };
  const variable = word(0);
  const begin = word(1);
  const end = word(2);
  const isLast = word(3);
  const arena = word(4);
  const at = code.local("i32");
  const command = code.local("i32");
  const echo = code.local("i32");
  const sum = code.local("v128");
  // No memory reaches the last bytes of the address space in these tests.
  const trap = () => code.i32(-16).do("i32.load").drop();
  const spin = () => code.repeatWhile(() => code.i32(1));
  const on = (number: number, body: () => void) =>
    code.get(command).i32(number).do("i32.eq").when(body);

  code.repeatWhile(() => {
    code.get(inputs).do("i32.load", vectorBytes).tee(command).set(echo);
    on(commands.trap, trap);
    on(commands.spin, spin);
    on(commands.trapBesideSpin, () => code.get(isLast).when(trap, spin));
    on(commands.trapBesideSleep, () => {
      code.get(isLast).when(trap, () => code.get(sync).i32(0).wait().drop());
    });
    on(commands.arena, () => {
      code.get(isLast).when(() => {
        code.get(arena).do("i32.load").set(echo);
        code.get(arena).i32(7).do("i32.store");
      });
    });
    code.get(begin).set(at);
    code.repeatWhile(() => {
      const address = (base: Local) => code.get(base).get(at).do("i32.add");
      address(variable).do("v128.load");
      address(inputs).do("v128.load").do("f32x4.add").set(sum);
      address(variable).get(sum).do("v128.store");
      address(results).get(sum).do("v128.store");
      code.get(at).i32(16).do("i32.add").tee(at).get(end).do("i32.lt_u");
    });
    code.get(isLast).when(() => code.get(results).get(echo).do("i32.store", vectorBytes));
    code.get(inputs).i32(recordBytes).do("i32.add").set(inputs);
    code.get(results).i32(recordBytes).do("i32.add").set(results);
    code.get(steps).i32(1).do("i32.sub").tee(steps);
  });
  const module = new Module(shared);
  module.export("run", module.add(code));
  return module.finish();
}
