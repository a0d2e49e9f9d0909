/** The house keeps its rules, and the check of them finds what breaks them. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { describe, expect, it } from "vitest";
import { breaches } from "./floors.ts";

const root = join(import.meta.dirname, "..");

function sources(): Map<string, string> {
  const entries = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    paths.map((path) => [relative(root, path).split(sep).join("/"), readFileSync(path, "utf8")]),
  );
}

/** What the check says of these files, in a house with a few files more. */
function found(files: Record<string, string>): string[] {
  const others = {
    "src/base/errors.ts": "export const one = 1;",
    "src/ir/node.ts": 'import { one } from "../base/errors.ts"; export const two = one;',
    "src/host/node.ts": 'import { join } from "node:path"; export { join };',
    "src/runtime/engine.ts": 'import { join } from "#host"; export { join };',
    "src/nn/layer.ts": 'export { two } from "../ir/node.ts";',
    "src/lab/run.ts": 'export * from "../nn/layer.ts";',
    "src/cli/main.ts": 'import { Command } from "commander"; export { Command };',
    "src/index.ts": 'export { two } from "./nn/layer.ts";',
  };
  return breaches(new Map(Object.entries({ ...others, ...files })));
}

describe("the floors", () => {
  const files = sources();

  it("are all there", () => {
    // A check that reads nothing passes too.
    expect(files.size).toBeGreaterThan(100);
    expect(files.has("src/ir/ops.ts")).toBe(true);
  });

  it("import what the table allows, in no circle, and the engine knows no net", () => {
    expect(breaches(files)).toEqual([]);
  });
});

describe("the check of the floors", () => {
  it("passes a house in order", () => {
    expect(found({})).toEqual([]);
  });

  it.each([
    ["import", 'import { x } from "../runtime/engine.ts"; export const y = x;'],
    ["import for effects", 'import "../runtime/engine.ts";'],
    ["import of a type", 'import type { X } from "../runtime/engine.ts"; export type Y = X;'],
    ["type from import()", 'export type Y = import("../runtime/engine.ts").X;'],
    ["dynamic import", 'export const y = () => import("../runtime/engine.ts");'],
    ["re-export", 'export { x } from "../runtime/engine.ts";'],
    ["re-export of all", 'export * from "../runtime/engine.ts";'],
    ["import on several lines", 'import {\n  x,\n} from "../runtime/engine.ts";\nexport { x };'],
  ])("finds by %s what comes from a floor above", (_, text) => {
    expect(found({ "src/nn/loss.ts": text })).toEqual([
      "src/nn/loss.ts imports src/runtime/engine.ts: nn/ may not import runtime/",
    ]);
  });

  it.each([
    ["src/ir/ops.ts", 'import "node:fs";', "imports node:fs: only src/host/ may"],
    ["src/cli/lab.ts", 'import "node:fs";', "imports node:fs: only src/host/ may"],
    ["src/ir/ops.ts", 'import "#host";', "imports #host"],
    [
      "src/runtime/files.ts",
      'import "../host/node.ts";',
      "imports src/host/node.ts: the host is imported as #host",
    ],
    ["src/lab/table.ts", 'import "commander";', "imports the package commander"],
    ["src/nn/table.ts", 'import "lodash";', "imports the package lodash"],
    ["src/cli/table.ts", 'import "commander/esm.mjs";', "imports the package commander/esm.mjs"],
    [
      "src/lab/table.ts",
      'import "../cli/main.ts";',
      "imports src/cli/main.ts: lab/ may not import cli/",
    ],
    ["src/nn/gone.ts", 'import "./away.ts";', "imports src/nn/away.ts, which is not there"],
    [
      "src/nn/secret.ts",
      "const name = String(1); export const x = import(name);",
      "imports what its text does not tell",
    ],
    ["src/attic/box.ts", "export {};", "is in no folder of the house"],
    ["src/index.ts", "export const one = 1;", "does more than to re-export"],
  ])("finds in %s: %s", (path, text, breach) => {
    expect(found({ [path]: text })).toEqual([`${path} ${breach}`]);
  });

  it("finds a cycle, also one of types only", () => {
    const files = {
      "src/nn/a.ts": 'import type { B } from "./b.ts"; export type A = B;',
      "src/nn/b.ts": 'import type { C } from "./c.ts"; export type B = C;',
      "src/nn/c.ts": 'export { type A as C } from "./a.ts";',
    };
    expect(found(files)).toEqual([
      "a cycle: src/nn/a.ts -> src/nn/b.ts -> src/nn/c.ts -> src/nn/a.ts",
    ]);
  });

  it("leaves tests alone", () => {
    const text = 'import "node:fs"; import "vitest"; import "../runtime/engine.ts";';
    expect(found({ "src/nn/layer.test.ts": text, "src/nn/layers.case.ts": text })).toEqual([]);
  });

  it.each([
    ["src/compile/a.ts", "export const reluRule = 1;", '"relu"'],
    ["src/runtime/a.ts", 'export const kinds = ["adam"];', '"adam"'],
    ["src/ir/a.ts", "export const text = `soft\nsoftmax`;", '"softmax"'],
    ["src/ir/a.ts", 'export const rows = { he_normal: "x" };', '"henormal"'],
    [
      "src/compile/a.ts",
      "export class A { #dropout = 1; get() { return this.#dropout; } }",
      '"dropout"',
    ],
    ["src/compile/a.ts", "export const best = (n: number) => (n === 3072 ? 4 : 2);", "3072"],
  ])("finds in %s: %s", (path, text, word) => {
    expect(found({ [path]: text })).toEqual([`${path} knows ${word}`]);
  });

  it("lets comments of the engine and names of other floors be", () => {
    expect(
      found({
        "src/ir/a.ts": "// As the gradient of elu needs it.\nexport const relative = 1;",
        "src/nn/elu.ts": 'export const elu = "elu";',
      }),
    ).toEqual([]);
  });
});
