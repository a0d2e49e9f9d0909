/** The page that lists the library names all of it, and its examples run. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as antler from "../src/index.ts";

const page = readFileSync(join(import.meta.dirname, "../docs/library.md"), "utf8");

const listed = (kind: string): string[] => {
  const row = page.split("\n").find((line) => line.startsWith(`| \`${kind}\``));
  return row?.split("|")[2]?.trim().split(/\s+/) ?? [];
};

const codec = ["serialize", "deserialize"];

describe("docs/library.md", () => {
  it.each([
    "activations",
    "initializers",
    "regularizers",
    "constraints",
    "losses",
    "metrics",
    "optimizers",
    "schedules",
  ] as const)("lists all %s", (kind) => {
    // biome-ignore lint/performance/noDynamicNamespaceImportAccess: all of it is under test.
    const known = Object.keys(antler[kind]).filter((name) => !codec.includes(name));
    expect(listed(kind).sort()).toEqual(known.sort());
  });

  it("lists all layers", () => {
    const factories = Object.keys(antler.layers).filter((name) => /^[a-z]/.test(name));
    expect(listed("layers").sort()).toEqual(
      factories.filter((name) => !codec.includes(name)).sort(),
    );
  });

  it("has examples that run", async () => {
    const blocks = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
    expect(blocks).toHaveLength(2);
    const table = (rows: number, columns: number) => ({
      data: Float32Array.from({ length: rows * columns }, (_, i) => Math.abs(Math.sin(i + 1))),
      shape: [rows, columns],
    });
    const given = {
      x1: table(6, 5),
      x2: table(6, 6),
      y1: table(6, 1),
      y2: { data: Uint8Array.of(0, 1, 2, 0, 1, 2), shape: [6] },
      x: table(4, 3),
      gamma: [1, 1, 1],
      beta: [0, 0, 0],
      mean: [0, 0, 0],
      variance: [1, 1, 1],
      yTrue: table(4, 2),
      yPred: table(4, 2),
      sampleWeight: [1, 2, 1, 0],
    };
    for (const block of blocks) {
      const code = block.replace(/import \{([\s\S]*?)\} from "antler";/, "const {$1} = antler;");
      const names = [
        "antler",
        ...Object.keys(given).filter((name) => !code.includes(`{ ${name},`)),
      ];
      const run = new Function(...names, `return (async () => { ${code} })();`);
      const values = { antler, ...given } as Record<string, unknown>;
      await run(...names.map((name) => values[name]));
    }
  });
});
