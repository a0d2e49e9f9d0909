/** What a state file holds, and what is refused of one that is broken. */
import { describe, expect, it } from "vitest";
import { DataError, ValueError } from "../../base/errors.ts";
import type { FitState } from "../fit-control.ts";
import { checkSame } from "./identity.ts";
import { fitEntries, fitOf, type SavedFit } from "./state-file.ts";

const state: FitState = {
  identity: { callbacks: ["EarlyStopping"], fit: { seed: 3 } },
  epoch: 4,
  step: 2,
  totals: { sums: { data: Float64Array.of(1, 0.1 + 0.2), shape: [2] }, metrics: [null] },
  last: { loss: 0.1, valLoss: "NaN" },
  stopped: false,
  learningRate: 1e-4,
  rateFactor: 1,
  position: { step: 2, order: 5, chunks: 0, rows: null },
  history: { epoch: [0, 1], history: { loss: [0.3, 0.1 + 0.2] } },
  callbacks: [
    {
      wait: 1,
      best: "Infinity",
      bestWeights: [{ data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] }],
    },
  ],
};
const saved: SavedFit = { state, identity: { version: "1", crop: null } };
const json = "antler/fit.json";

/** The entries with other text. */
function changed(change: (text: string) => string): Map<string, Uint8Array> {
  const entries = new Map(fitEntries(saved));
  const text = new TextDecoder().decode(entries.get(json));
  expect(change(text)).not.toBe(text);
  return entries.set(json, new TextEncoder().encode(change(text)));
}

describe("a state file", () => {
  it("gives back what was put in, arrays included", () => {
    const entries = fitEntries(saved);
    expect([...entries.keys()]).toEqual([json, "antler/fit.safetensors"]);
    expect(fitOf(entries, "f")).toEqual(saved);
    expect(fitEntries({ ...saved, state: { ...state, totals: null, callbacks: [{}] } }).size).toBe(
      1,
    );
  });

  it("gives back numbers that JSON lacks, without what is undefined", () => {
    const numbers = [-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const one = { best: numbers[2], list: [...numbers, 0.1 + 0.2], none: undefined };
    const found = fitOf(
      fitEntries({ ...saved, state: { ...state, callbacks: [one as never] } }),
      "f",
    );
    expect(found.state.callbacks).toStrictEqual([{ best: one.best, list: one.list }]);
  });

  const round: Record<string, unknown> = {};
  round.round = round;
  it.each<[string, unknown, string]>([
    ["a typed array", Float32Array.of(1), "fit.callbacks.0.a must be null, a boolean, number, "],
    ["a date", new Date(0), "fit.callbacks.0.a must be"],
    ["a map", new Map(), "fit.callbacks.0.a must be"],
    ["a function", () => 1, "fit.callbacks.0.a must be"],
    ["a large number", 1n, "fit.callbacks.0.a must be"],
    ["a hole in a list", [1, undefined], "fit.callbacks.0.a.1 must be"],
    [
      "a name of ours",
      { $array: "x" },
      "Names must not begin with $, and nothing may hold itself.",
    ],
    ["a ring", round, "Names must not begin with $, and nothing may hold itself."],
  ])("is not made of %s", (_, a, text) => {
    const broken = { ...saved, state: { ...state, callbacks: [{ a } as never] } };
    expect(() => fitEntries(broken)).toThrow(ValueError);
    expect(() => fitEntries(broken)).toThrow(text);
  });

  it.each([
    [
      "nothing",
      () => new Map(),
      "must hold the state of a fit, antler/fit.json, got a model without",
    ],
    ["no JSON", () => changed((text) => text.slice(1)), "antler/fit.json must be whole"],
    [
      "another version",
      () => changed((t) => t.replace('"version":1', '"version":9')),
      "version 1, got 9",
    ],
    ["no state", () => changed((t) => t.replace('"state":', '"stat":')), "state must be an object"],
    [
      "a wrong count",
      () => changed((t) => t.replace('"epoch":4', '"epoch":-4')),
      "epoch must be a whole",
    ],
    [
      "a wrong rate",
      () => changed((t) => t.replace("0.0001", '"x"')),
      "learningRate must be a rate",
    ],
    [
      "a wrong place",
      () => changed((t) => t.replace('"order":5', '"order":[]')),
      "order must be a whole",
    ],
    [
      "no place",
      () => changed((t) => t.replace('"position":', '"place":')),
      'option names must be known, got "place"',
    ],
    [
      "too few states",
      () => changed((t) => t.replace('"EarlyStopping"', '"A","B"')),
      "f.keras: states of 2 callbacks, got 1.",
    ],
    [
      "a wrong list",
      () => changed((t) => t.replace('"callbacks":[{', '"callbacks":[2,{')),
      "callbacks[0]",
    ],
    [
      "a lost array",
      () => changed((t) => t.replace("fit.totals.sums", "fit.x")),
      'missing: "fit.x"',
    ],
    [
      "an array of a number",
      () => changed((t) => t.replace('"fit.totals.sums"', "7")),
      "missing: 7",
    ],
    ["no arrays", () => new Map([...fitEntries(saved)].slice(0, 1)), "an array that is missing"],
  ] as [string, () => Map<string, Uint8Array>, string][])("is refused with %s", (_, make, text) => {
    expect(() => fitOf(make(), "f.keras")).toThrow(DataError);
    expect(() => fitOf(make(), "f.keras")).toThrow(text);
    expect(() => fitOf(make(), "f.keras")).toThrow("f.keras: ");
  });
});

describe("two fits", () => {
  const before = {
    fit: { a: 1, b: null },
    list: [{ c: "x" }, { d: true }],
    "callbacks[0] E": { p: 3 },
  };
  it.each([
    [{ fit: { a: 2, b: null } }, "fit a 1 as in the interrupted fit, got 2."],
    [{ fit: { a: 1, b: 0 } }, "fit b null as in the interrupted fit, got 0."],
    [{ fit: { a: 1, b: null, c: "x" } }, 'fit c undefined as in the interrupted fit, got "x".'],
    [{ list: [{ c: "y" }, { d: true }] }, 'list [0].c "x" as in the interrupted fit, got "y".'],
    [{ list: [{ c: "x" }] }, "list .length 2 as in the interrupted fit, got 1."],
    [{ list: null }, 'list [{"c":"x"},{"d":true}] as in the interrupted fit, got null.'],
    [{ "callbacks[0] E": { p: 4 } }, "callbacks[0] E p 3 as in the interrupted fit, got 4."],
  ])("that differ: %j", (change, text) => {
    checkSame(before, structuredClone(before), "f");
    expect(() => checkSame(before, { ...before, ...change }, "f")).toThrow(
      `f: ${text} Repeat the fit as it was, or remove this file to begin anew.`,
    );
  });
});
