/** A step and the numbers of its leaves, compiled and run in one way or another. */
import { expect } from "vitest";
import type { TypedArray } from "../src/base/dtype.ts";
import { compile } from "../src/compile/compile.ts";
import type { TileOptions } from "../src/compile/tile.ts";
import { canonicalize } from "../src/ir/canonical.ts";
import type { Computation } from "../src/ir/graph.ts";
import { interpret } from "../src/ir/interpret.ts";
import { print } from "../src/ir/print.ts";
import { CompiledProgram, type Turns } from "./compiled.ts";
import { type Comparison, compareWithin, type LeafValue } from "./random-graphs.ts";

export interface StepCase {
  readonly computation: Computation;
  /** By the name of the leaf. */
  readonly values: ReadonlyMap<string, LeafValue>;
}

/** Other tiles than the usual one: they change no bit. */
export const tilings: readonly TileOptions[] = [
  { rows: 2, vectors: 4 },
  { rows: 1, vectors: 1 },
  { rows: 3, vectors: 3 },
  { depth: 32, chunk: 8, columns: 16 },
];

/** How many bounds a device may be off. */
const factor = 2;

/** A traced step as the compiler gets it. */
export function canonicalCase(
  computation: Computation,
  values: ReadonlyMap<string, LeafValue>,
): StepCase {
  const canonical = canonicalize(computation);
  return {
    computation: canonical.computation,
    values: new Map([...canonical.leaves].map(([name, traced]) => [name, values.get(traced)!])),
  };
}

export interface Way {
  readonly threads: number;
  readonly fma: boolean;
  readonly tiles?: TileOptions;
  readonly turns?: Turns;
}

/** What a step leaves behind: its results, and the variables that it writes, by name. */
export type Outcome = ReadonlyMap<string, TypedArray>;

/** Runs one step. */
export function runCompiled(step: StepCase, way: Way): Outcome {
  const { computation, values } = step;
  const { threads, fma, tiles, turns = "first" } = way;
  const program = compile(computation, { threads, fma, shared: false, tiles });
  const compiled = new CompiledProgram(program, values);
  compiled.setInputs(0, (name) => values.get(name) as ArrayLike<number>);
  if (program.threads === 1) compiled.run();
  else compiled.runInTurns(turns);
  return compiled.outcome();
}

/** Every bit of an outcome, as text by name. */
export const bitsOf = (outcome: Outcome): Map<string, string> =>
  new Map(
    [...outcome].map(([name, { buffer, byteOffset, byteLength }]) => [
      name,
      Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("base64"),
    ]),
  );

/** Expects an outcome within a few of the interpreter's bounds; returns how it compares. */
export function expectWithin(step: StepCase, outcome: Outcome, label: string): Comparison[] {
  const read = (name: string) => step.values.get(name)!;
  const exact = interpret(step.computation, (leaf) => read(leaf.attributes.name!), "exact");
  return [...exact.results, ...exact.updates].map(([name, expected]) => {
    const found = compareWithin(expected, outcome.get(name)!, factor);
    const [first] = found.failures;
    if (first)
      expect.fail(
        `${label}, ${name}: ${found.failures.length} of ${found.count} wrong, as ` +
          `${JSON.stringify(first)}\n${print(step.computation)}`,
      );
    return found;
  });
}

/**
 * Expects a step within the interpreter's bounds, and the same bits from all threads, tiles and turns.
 * Returns its numbers.
 */
export function expectRight(step: StepCase, label = "a step"): Outcome {
  const base = runCompiled(step, { threads: 1, fma: true });
  expectWithin(step, base, label);
  const wanted = bitsOf(base);
  for (const threads of [1, 2, 3])
    for (const turns of threads === 1 ? (["first"] as const) : (["first", "last"] as const))
      for (const tiles of [undefined, tilings[threads % tilings.length]]) {
        const way = { threads, fma: true, turns, ...(tiles && { tiles }) };
        expect(bitsOf(runCompiled(step, way)), `${label}: ${JSON.stringify(way)}`).toEqual(wanted);
      }
  return base;
}
