/** Runs of the examples as they stand, but for fewer epochs and a number of threads. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "./machine.mjs";
import { memoryReporter, runNode } from "./processes.mjs";

/** @param {string} file in dist/ */
const built = (file) => JSON.stringify(pathToFileURL(join(root, "dist", file)).href);

/** What an example imports as `antler`: the library, with fits of fewer epochs. */
const standIn = ({ epochs, threads }) => `
import { Model } from ${built("index.js")};
import { Engine, setDefaultEngine } from ${built("runtime/engine.js")};
export * from ${built("index.js")};
setDefaultEngine(new Engine({ threads: ${threads} }));
const { fit } = Model.prototype;
Model.prototype.fit = function (x, y, options) {
  return fit.call(this, x, y, { ...options, epochs: Math.min(options.epochs, ${epochs}) });
};
`;

/**
 * Runs `examples/NAME.ts` in an empty folder.
 *
 * @param {string} name
 * @param {{ data: string, epochs: number, threads: number }} options
 * @returns {Promise<{ lines: string[], peakBytes: number }>} what it printed, and the most memory that
 *   was resident
 * @throws Error with what it said, if it failed
 */
export async function runExample(name, { data, epochs, threads }) {
  const folder = mkdtempSync(join(tmpdir(), "antler-bench-"));
  try {
    const library = join(folder, "node_modules/antler");
    mkdirSync(library, { recursive: true });
    writeFileSync(join(library, "package.json"), '{ "type": "module", "main": "index.js" }');
    writeFileSync(join(library, "index.js"), standIn({ epochs, threads }));
    const outfile = join(folder, "example.mjs");
    await build({
      entryPoints: [join(root, "examples", `${name}.ts`)],
      outfile,
      bundle: true,
      packages: "external",
      format: "esm",
      platform: "node",
    });
    const env = { ...process.env, ANTLER_DATA: data };
    const words = ["--import", memoryReporter, outfile];
    const { output, told } = await runNode(words, { cwd: folder, env });
    return { lines: output.trim().split("\n"), peakBytes: Number(told) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
