import { describe, expect, it } from "vitest";
import type { TableEvent, TableRow } from "../lab/events.ts";
import { published } from "../lab/published.ts";
import { summarize } from "../lab/statistics.ts";
import { tableLines, tableText } from "./table.ts";

const one = (value: number) => summarize([value, value]);
const rows: TableRow[] = [
  {
    variant: "alpha",
    seeds: [1, 2, 3],
    document: published.alpha,
    accuracy: summarize([0.48, 0.49, 0.5]),
    binomialError: 0.007,
    loss: one(1.5),
    testAccuracy: one(0.4),
    bestEpoch: summarize([10, 11]),
    epochs: one(30),
    secondsPerEpoch: one(2.125),
    microsecondsPerSample: one(17.34),
  },
  {
    variant: "mc",
    seeds: [1, 2, 3],
    document: published.mc,
    accuracy: summarize([0.5, 0.5, 0.5]),
    binomialError: 0.007,
    loss: null,
    testAccuracy: null,
    bestEpoch: null,
    epochs: null,
    secondsPerEpoch: null,
    microsecondsPerSample: null,
  },
];

describe("tableLines", () => {
  it("has means and intervals beside the document's figures", () => {
    expect(tableLines(rows, 120)).toEqual([
      "net    val accuracy  95 % interval  seeds  document     its reruns  best epoch  s/epoch  us/picture",
      "alpha        0.4900  0.4652-0.5148      3    0.5082  0.4890-0.4982        10.5     2.13        17.3",
      "mc           0.5000  0.5000-0.5000      3    0.5094  0.4892-0.4984           -        -           -",
    ]);
  });

  it("takes short titles in a terminal of 80 columns, and loses none", () => {
    const [titles, ...lines] = tableLines(rows, 80);
    expect(titles).toBe(
      "net    accuracy  95 % interval  n  document     its reruns  best  s/ep    us",
    );
    expect(lines[0]).toMatch(/^alpha .* 17\.3$/);
  });

  it("leaves out the last columns where it is narrower, and cuts only what is left then", () => {
    for (let width = 1; width < 130; width++)
      for (const line of tableLines(rows, width)) expect(line.length).toBeLessThanOrEqual(width);
    expect(tableLines(rows, 50)[0]).toBe("net    accuracy  95 % interval  n  document");
    expect(tableLines(rows, 8)[1]).toBe("alpha   ");
  });
});

describe("tableText", () => {
  const screen = { columns: 80, isLive: false, style: (_: string, text: string) => text };
  const event: TableEvent = { event: "table", runs: 6, dataset: "cifar10", limit: null, rows };
  const single = rows.map((row) => ({ ...row, seeds: [1], accuracy: summarize([0.5]) }));

  it("says nothing more of several seeds on all of CIFAR-10", () => {
    expect(tableText(event, screen)).toHaveLength(4);
  });

  it("is not cut in files", () => {
    expect(tableText(event, screen)[1]).toContain("us/picture");
    expect(tableText(event, { ...screen, isLive: true })[1]).toMatch(/us$/);
  });

  it.each([
    ["a single seed", { rows: single }, /^One seed says little: .* is 0\.0070 by .* --seeds 5 /],
    ["other pictures", { dataset: "embedded" }, /^The document trained on all of CIFAR-10/],
    ["a part of CIFAR-10", { limit: 320 }, /^The document trained on all of CIFAR-10/],
  ])("says what %s means", (_, more, note) => {
    const lines = tableText({ ...event, ...more }, screen);
    expect(lines).toHaveLength(5);
    expect(lines[4]).toMatch(note);
  });
});
