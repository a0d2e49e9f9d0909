/** The document's code: each example as it stands, in a process of its own, on few pictures. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const sources = join(root, "examples");
const names = readdirSync(sources).filter((name) => name.endsWith(".ts"));
const scripts = names.filter((name) => name !== "standardize.ts");

/**
 * What the examples import as `antler` here: the built library, but `cifar10` gives few pictures, so
 * that the examples need no option for tests.
 */
const standIn = `
import * as antler from ${JSON.stringify(pathToFileURL(join(root, "dist/index.js")).href)};
export * from ${JSON.stringify(pathToFileURL(join(root, "dist/index.js")).href)};
const few = { train: 300, validation: 100, test: 60 };
export const datasets = { ...antler.datasets, cifar10: () => antler.datasets.embedded(few) };
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "antler-examples-"));
  const packageFolder = join(folder, "node_modules/antler");
  mkdirSync(packageFolder, { recursive: true });
  writeFileSync(join(packageFolder, "package.json"), '{ "type": "module", "main": "index.js" }');
  writeFileSync(join(packageFolder, "index.js"), standIn);
  // Node 20 runs no TypeScript.
  buildSync({
    entryPoints: scripts.map((name) => join(sources, name)),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What an example prints, line by line. */
async function run(name: string): Promise<string[]> {
  const { ANTLER_DATA, ...env } = process.env;
  const child = spawn(process.execPath, [join(folder, `${name}.mjs`)], { cwd: folder, env });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out.trimEnd().split("\n");
}

/** The numbers of `{ loss: 1.5, accuracy: 0.5 }` in a line. */
function evaluated(line: string): { loss: number; accuracy: number } {
  const [, loss, accuracy] = /\{ loss: ([\d.]+), accuracy: ([\d.]+) \}$/.exec(line) ?? [];
  expect(line).toMatch(/\{ loss: [\d.]+, accuracy: [\d.]+ \}$/);
  return { loss: Number(loss), accuracy: Number(accuracy) };
}

/** Epochs by what `verbose: 2` prints, with their validation loss. */
const epochsOf = (lines: readonly string[]) =>
  lines.flatMap((line) => {
    const [, loss] = /valLoss: ([\d.]+)/.exec(line) ?? [];
    return loss === undefined ? [] : [Number(loss)];
  });

const readable = (name: string) => readFileSync(join(folder, name));

describe("examples", () => {
  it("fit the package's types", () => {
    const require = createRequire(import.meta.url);
    const tsc = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", sources], {
      encoding: "utf8",
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  });

  it.each(scripts)("%s is as short as in the book", (name) => {
    const lines = readFileSync(join(sources, name), "utf8").trimEnd().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(30);
    expect(lines.length).toBeLessThanOrEqual(60);
  });

  it.each([
    ["8a-8b-elu", "my_cifar10_model.keras", "run_001"],
    ["8c-batch-normalization", "my_cifar10_bn_model.keras", "run_bn_001"],
    ["8d-selu", "my_cifar10_selu_model.keras", "run_selu_001"],
    ["8e-alpha-dropout", "my_cifar10_alpha_dropout_model.keras", "run_alpha_dropout_001"],
  ])("%s trains, stops early, and evaluates its checkpoint", async (name, file, logs) => {
    const lines = await run(name);
    const losses = epochsOf(lines);
    const best = evaluated(lines.find((line) => line.startsWith("{"))!);
    // The checkpoint is that of the least validation loss, of which 21 epochs or the 100th are last.
    expect(best.loss).toBeCloseTo(Math.min(...losses), 3);
    expect(losses).toHaveLength(Math.min(100, losses.indexOf(Math.min(...losses)) + 21));
    expect(best.accuracy).toBeGreaterThan(0.15);
    expect(readable(file).subarray(0, 2).toString()).toBe("PK");
    for (const part of ["train", "validation"])
      expect(readdirSync(join(folder, "my_cifar10_logs", logs, part))).toEqual([
        expect.stringMatching(/^events\.out\.tfevents\./),
      ]);
    const last = evaluated(lines.at(-1)!);
    expect(last.accuracy).toBeGreaterThan(0.1);
  });

  it("8e-monte-carlo samples the checkpoint of 8e-alpha-dropout", async () => {
    const lines = await run("8e-monte-carlo");
    expect(lines).toHaveLength(3);
    const numbers = lines.map((line, i) => {
      const beginning = [
        "mean of 10 samples: accuracy ",
        "mcPredict, 100 samples: accuracy ",
        "mean mutual information ",
      ][i];
      expect(line.startsWith(beginning)).toBe(true);
      return Number(line.slice(beginning.length));
    });
    const [ten, hundred, information] = numbers;
    expect(ten).toBeGreaterThan(0.15);
    expect(Math.abs(ten - hundred)).toBeLessThan(0.15);
    // The samples differ, but by less than what there is to know of ten classes.
    expect(information).toBeGreaterThan(1e-5);
    expect(information).toBeLessThan(Math.log(10) / 2);
  });

  it("8f-one-cycle trains for its 15 epochs", async () => {
    const lines = await run("8f-one-cycle");
    const losses = epochsOf(lines);
    expect(losses).toHaveLength(15);
    const { loss, accuracy } = evaluated(lines.at(-1)!);
    expect(loss).toBeCloseTo(losses.at(-1)!, 3);
    expect(accuracy).toBeGreaterThan(0.15);
  });
});

describe("docs/chapter-11.md", () => {
  it.each(names)("shows %s as it is", (name) => {
    const page = readFileSync(join(root, "docs/chapter-11.md"), "utf8");
    const text = readFileSync(join(sources, name), "utf8");
    expect(page).toContain(`(../examples/${name})`);
    expect(page).toContain("```ts\n" + text + "```\n");
  });
});
