/** The TensorBoard callback: against Keras's files, and in fits. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  type Callback,
  callbacks,
  Engine,
  model as functional,
  input,
  layers,
  sequential,
} from "../src/index.ts";
import { readEvents } from "../src/logs/tensorboard/index.ts";
import {
  type Call,
  flat,
  floats,
  type Golden,
  golden,
  type Row,
} from "../src/logs/tensorboard/tensorboard.case.ts";
import { toCamelKey } from "../src/nn/serialization.ts";
import { writeVariables } from "../src/tensor/variable.ts";

const engine = new Engine({ threads: 1 });
const root = mkdtempSync(join(tmpdir(), "tensor-board-"));
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

/** The events of a run's files, file by file, as the golden values have them. */
function rowsIn(folder: string): Row[][] {
  const number = (name: string) => Number(name.split(".").at(-2));
  const names = readdirSync(folder).sort((a, b) => number(a) - number(b));
  return names.map((name) => {
    const events = [...readEvents(readFileSync(join(folder, name)), name)];
    expect(events[0].fileVersion).toBe("brain.Event:2");
    return events.flatMap(({ step, values }) =>
      values.map(({ tag, plugin, tensor }): Row => {
        const isShown = tensor!.dtype !== "string" && !tag.includes("per_second");
        return [step, tag, plugin, isShown ? [...(tensor!.data as number[])] : null];
      }),
    );
  });
}

/** Golden rows with their values as exact numbers. */
const exact = (rows: readonly Row[]): Row[] =>
  rows.map(([step, tag, plugin, value]) => {
    if (value === null) return [step, tag, plugin, null];
    return [step, tag, plugin, plugin === "scalars" ? [...floats(value)] : flat(value)];
  });

type Case = Golden["cases"][number];

function makeModel({ name }: Case) {
  if (name.startsWith("two outputs")) {
    const inputs = input({ shape: [4], name: "in" });
    const outputs = ["left", "right"].map((side) =>
      layers.dense({ units: 1, name: side }).apply(inputs),
    );
    const made = functional({ inputs, outputs, name: "two", engine });
    made.compile({ optimizer: "sgd", loss: ["mse", "mae"] });
    return made;
  }
  const made = sequential(
    [
      layers.dense({ units: 5, name: "hidden", inputShape: [4] }),
      layers.batchNormalization({ name: "bn" }),
      layers.dense({ units: 3, activation: "softmax", name: "out" }),
    ],
    { name: "net", engine },
  );
  made.compile({ optimizer: "sgd", loss: "sparseCategoricalCrossentropy" });
  return made;
}

/** Calls our callback as Keras's fit called Keras's. */
async function replay(calls: readonly Call[], callback: Callback): Promise<void> {
  const { optimizer } = callback.model!;
  for (const call of calls) {
    optimizer.learningRate = call.rate;
    await writeVariables([optimizer.iterations], [Uint32Array.of(call.done)]);
    if (call.weights)
      await callback.model!.setWeights(
        (await callback.model!.getWeights()).map(({ shape }, i) => ({
          data: floats(call.weights![i]),
          shape,
        })),
      );
    const logs = Object.entries(call.logs ?? {}).map(([key, value]) => [
      toCamelKey(key),
      Math.fround(Number(value)),
    ]);
    const values = [...(call.number === null ? [] : [call.number]), Object.fromEntries(logs)];
    const hook = callback[call.hook as keyof Callback] as
      | ((...values: readonly unknown[]) => unknown)
      | undefined;
    await hook?.apply(callback, values);
  }
}

async function written(one: Case): Promise<Record<string, Row[][]>> {
  const folder = mkdtempSync(join(root, "case-"));
  const options = Object.entries(one.options).map(([key, value]) => [toCamelKey(key), value]);
  const callback: Callback = callbacks.tensorBoard(folder, Object.fromEntries(options));
  callback.model = makeModel(one);
  for (const calls of one.fits) await replay(calls, callback);
  return Object.fromEntries(readdirSync(folder).map((run) => [run, rowsIn(join(folder, run))]));
}

const caseOf = (name: string): Case => golden.cases.find((one) => one.name === name)!;
const lossy = "every fourth batch";

describe("against Keras", () => {
  it.each(golden.cases.filter(({ name }) => name !== lossy))("$name", async (one) => {
    const found = await written(one);
    expect(Object.keys(found)).toEqual(Object.keys(one.runs).sort());
    for (const [run, files] of Object.entries(one.runs))
      expect(found[run]).toEqual(files.map(exact));
  });

  it("epochs are all written, which Keras 3 loses with batches", async () => {
    const one = caseOf(lossy);
    const found = await written(one);
    for (const [run, [rows]] of Object.entries(one.runs)) {
      const texts = new Set(exact(rows).map((row) => JSON.stringify(row)));
      const [ours] = found[run];
      const more = ours.filter((row) => !texts.has(JSON.stringify(row)));
      expect(ours.length - more.length).toBe(rows.length);
      // Of the first epoch, which ends with batch 6.
      for (const [step, tag] of more)
        expect([step, tag.split("_")[0]]).toEqual(
          tag.startsWith("epoch") ? [0, "epoch"] : [6, "evaluation"],
        );
      expect(more.filter(([, tag]) => tag.startsWith("epoch"))).toHaveLength(
        run === "train" ? 3 : 2,
      );
    }
  });

  it("a near miss is told: an epoch more, another rate, a batch less", async () => {
    const one = caseOf("batches, twice");
    const rows = exact(one.runs.train[0]);
    for (const [hook, change] of [
      ["onEpochEnd", { number: 2 }],
      ["onEpochEnd", { rate: 0.02 }],
    ] as const) {
      const fits = one.fits.map((calls) =>
        calls.map((call) => (call.hook === hook ? { ...call, ...change } : call)),
      );
      expect((await written({ ...one, fits })).train[0]).not.toEqual(rows);
    }
    const less = one.fits.map((calls) =>
      calls.filter(({ hook, number }) => hook !== "onTrainBatchEnd" || number !== 0),
    );
    expect((await written({ ...one, fits: less })).train[0]).not.toEqual(rows);
  });
});
