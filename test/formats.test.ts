/** The built package's files in a program of its own. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const url = (path: string) => JSON.stringify(pathToFileURL(join(root, path)).href);

/** Runs a module that has `readHdf5`, `writeHdf5` and `file(name)`. */
function run(text: string) {
  const source = `
    import { readFileSync } from "node:fs";
    import { readHdf5, writeHdf5 } from ${url("dist/formats/hdf5.js")};
    const file = (name) => readFileSync(new URL(name, ${url("tools/golden/formats/")}));
    ${text}
  `;
  const words = ["--input-type=module", "--eval", source];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, {
    encoding: "utf8",
    timeout: 50_000,
  });
  return { stdout, stderr, status };
}

it("loads h5wasm from the package, and the program ends by itself", () => {
  const found = run(`
    const group = { kind: "group", attributes: { a: "b" }, children: {} };
    const root = await readHdf5(await writeHdf5(group));
    console.log(JSON.stringify(root));
  `);
  const stdout = '{"kind":"group","attributes":{"a":"b"},"children":{}}\n';
  expect(found).toEqual({ stdout, stderr, status: 0 });
});

const stderr = "";

it("reads broken files without a word of HDF5's own", () => {
  const found = run(`
    const whole = file("storage.h5");
    const bytes = new Uint8Array(whole);
    bytes.fill(255, 700, 1400);
    for (const broken of [whole.subarray(0, 9000), bytes, file("bad-external-storage.h5")])
      await readHdf5(broken).catch((error) => console.log(error.name));
    console.log((await readHdf5(whole)).kind);
  `);
  const stdout = "DataError\nDataError\nDataError\ngroup\n";
  expect(found).toEqual({ stdout, stderr, status: 0 });
});

it("goes on to work while a file is read and written", () => {
  const found = run(`
    let longest = 0;
    let last = performance.now();
    setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5).unref();
    const data = new Float32Array(1e7);
    const array = { kind: "dataset", shape: [1e7], data, attributes: {} };
    const start = performance.now();
    const group = { kind: "group", attributes: {}, children: { array } };
    await readHdf5(await writeHdf5(group));
    console.log(longest < (performance.now() - start) / 2);
  `);
  expect(found).toEqual({ stdout: "true\n", stderr, status: 0 });
});
