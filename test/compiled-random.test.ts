/** Random graphs, compiled: against the interpreter, and every way to run them against the others. */
import { afterAll, describe, expect, it } from "vitest";
import { compile } from "../src/compile/compile.ts";
import { rootsOf } from "../src/ir/graph.ts";
import { topological } from "../src/ir/node.ts";
import { Engine, type EngineOptions } from "../src/runtime/engine.ts";
import { readVariables, Variable } from "../src/tensor/variable.ts";
import { CompiledProgram } from "./compiled.ts";
import {
  bitsOf,
  canonicalCase,
  expectWithin,
  runCompiled,
  type StepCase,
  tilings,
  type Way,
} from "./compiled-case.ts";
import { Draw } from "./random/draw.ts";
import { type RandomOptions, randomComputation } from "./random-graphs.ts";

/** The canonical computation of a seed; leaf values by canonical name. */
function caseOf(seed: number, options: RandomOptions = {}): StepCase & { readonly label: string } {
  const { computation, values } = randomComputation(seed, options);
  return { label: `seed ${seed}`, ...canonicalCase(computation, values) };
}

const kinds: readonly (readonly [string, number, number, RandomOptions])[] = [
  ["of all sizes", 20_000, 70, {}],
  ["of tiny axes", 30_000, 30, { largest: 6 }],
  ["of many nodes", 40_000, 25, { nodes: [25, 60] }],
  ["of long axes", 50_000, 25, { largest: 1100, elements: 6000 }],
];

describe("random programs", () => {
  it.each(kinds)(
    "%s lie within the interpreter's bounds, whatever the threads and tiles",
    (_, first, count, options) => {
      let [skipped, elements, worst, split] = [0, 0, 0, 0];
      for (let seed = first; seed < first + count; seed++) {
        const one = caseOf(seed, options);
        const fma = seed % 2 === 0;
        const base = runCompiled(one, { threads: 1, fma });
        for (const found of expectWithin(one, base, one.label)) {
          skipped += found.skipped;
          elements += found.count;
          worst = Math.max(worst, found.worst);
        }
        const wanted = bitsOf(base);
        const tiles = tilings[seed % tilings.length];
        const ways: Way[] = [
          { threads: 1, fma, tiles },
          { threads: 2, fma, turns: "last" },
          { threads: 3, fma, turns: new Draw(seed) },
          { threads: 2 + (seed % 2), fma, tiles, turns: "first" },
        ];
        for (const way of ways) {
          const { threads, turns } = way;
          const label = `${one.label}: ${JSON.stringify({ ...way, turns: typeof turns })}`;
          expect(bitsOf(runCompiled(one, way)), label).toEqual(wanted);
          if (threads > 1) split++;
        }
      }
      expect(skipped).toBeLessThan(elements / 50);
      expect(worst).toBeGreaterThan(0.2);
      expect(split).toBeGreaterThan(0);
    },
  );

  it("of several steps in one call leave what as many calls leave", () => {
    const steps = 3;
    for (let seed = 60_000; seed < 60_025; seed++) {
      const { label, computation, values } = caseOf(seed);
      const program = compile(computation, { threads: 1, fma: false, shared: false });
      const load = () => {
        const compiled = new CompiledProgram(program, values, steps);
        for (let step = 0; step < steps; step++)
          compiled.setInputs(step, (name) => {
            const numbers = values.get(name) as Float32Array;
            // Float inputs differ from step to step; row numbers stay below the number of rows.
            return numbers instanceof Float32Array ? numbers.map((x) => x + step / 8) : numbers;
          });
        return compiled;
      };
      const [together, apart] = [load(), load()];
      together.run(steps);
      for (let step = 0; step < steps; step++) apart.runInTurns("first", step);
      for (let step = 0; step < steps; step++)
        expect(bitsOf(together.outcome(step)), label).toEqual(bitsOf(apart.outcome(step)));
    }
  });
});

// ------------------------------------------------------------------------------ on real threads

const engines: readonly EngineOptions[] = [
  { threads: 1, fma: false },
  { threads: 1, fma: false, shared: false },
  { threads: 2, fma: false },
  { threads: 3, fma: false },
  { threads: 3, fma: false, tiles: tilings[3] },
];

describe("random programs on an engine", () => {
  const open = engines.map((options) => new Engine(options));
  afterAll(async () => {
    for (const engine of open) await engine.close();
  });

  async function runOn(engine: Engine, { computation, values }: StepCase, steps: number) {
    const leaves = topological(rootsOf(computation));
    const variables = new Map<string, Variable>();
    const tables: Record<string, Awaited<ReturnType<Engine["upload"]>>> = {};
    const inputs: Record<string, Float32Array> = {};
    for (const { op, dtype, axes, attributes } of leaves) {
      const { name } = attributes;
      if (name === undefined) continue;
      const value = values.get(name)!;
      const shape = axes.map(({ size }) => size);
      if (op === "variable") {
        const initial = (value as Float32Array).slice();
        variables.set(name, new Variable({ path: name, shape, dtype, initial }));
      } else if (op === "table" && "rows" in value)
        tables[name] = await engine.upload({ data: value.data, shape: [value.rows, ...shape] });
      else if (op === "input" && value instanceof Object && !("rows" in value)) {
        const repeated = Array.from({ length: steps }, () => [...value]).flat();
        const Kind = value.constructor as Float32ArrayConstructor;
        inputs[name] = new Kind(repeated);
      }
    }
    const execution = await engine.load({ computation, variables }, tables);
    const results = await execution.run(steps, inputs);
    execution.close();
    const after = await readVariables([...variables.values()]);
    for (const table of Object.values(tables)) table.release();
    return bitsOf(
      new Map([
        ...Object.entries(results),
        ...[...variables.keys()].map((name, i) => [name, after[i].data] as const),
      ]),
    );
  }

  it("leave the same bits on every one of them", async () => {
    let compared = 0;
    for (let seed = 70_000; compared < 20; seed++) {
      const one = caseOf(seed);
      // An engine's variables leave axes of size 1 out, as traced ones do.
      const narrow = topological(rootsOf(one.computation)).some(
        ({ op, axes }) => op === "variable" && axes.some(({ size }) => size === 1),
      );
      if (narrow) continue;
      const [wanted, ...others] = await Promise.all(open.map((engine) => runOn(engine, one, 2)));
      for (const [i, other] of others.entries())
        expect(other, `${one.label} on engine ${i + 1}`).toEqual(wanted);
      compared++;
    }
  });
});
