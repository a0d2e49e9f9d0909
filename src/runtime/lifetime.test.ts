import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { fusedMultiplyAdd } from "./features.ts";

/** A process of its own has to show when it ends; it needs JavaScript, as the package has it. */
const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "antler-lifetime-"));
  const config = {
    extends: join(root, "tsconfig.build.json"),
    compilerOptions: {
      rootDir: join(root, "src"),
      outDir: folder,
      typeRoots: [join(root, "node_modules/@types")],
      declaration: false,
      noCheck: true,
    },
    files: [join(root, "src/runtime/fake-engine.case.ts")],
    include: [],
  };
  const project = join(folder, "tsconfig.json");
  writeFileSync(project, JSON.stringify(config));
  const tsc = join(
    dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin/tsc",
  );
  const built = spawnSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
  expect(built.stdout + built.stderr).toBe("");
  const manifest = { type: "module", imports: { "#host": "./host/node.js" } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
});
afterAll(() => rmSync(folder, { recursive: true }));

const prelude = (options: string) => `
import { fakeEngine } from "./runtime/fake-engine.case.js";
import { commands, inputsOf, traceAccumulate } from "./runtime/fake-program.case.js";
import { readVariables } from "./tensor/variable.js";
const { engine } = fakeEngine(${options});
const { traced, variable } = traceAccumulate(100);
const execution = await engine.load(traced);
`;

/** Runs a script to its end. */
function run(script: string) {
  const path = join(folder, "script.mjs");
  writeFileSync(path, script);
  const child = spawnSync(process.execPath, [path], { encoding: "utf8", timeout: 30_000 });
  expect(child.error).toBeUndefined();
  return child;
}

describe.each([
  ["shared memory", "{}"],
  ["a worker's own memory", "{ shared: false }"],
])("a script, %s", (_, options) => {
  it("that awaits calls goes on to its end, and then ends by itself", () => {
    const { stdout, stderr, status } = run(`${prelude(options)}
for (let call = 1; call <= 3; call++) {
  // Long enough that an event loop with nothing to wait for would have ended.
  const { value } = await execution.run(20_000, inputsOf(100, 20_000, 1));
  console.log("call", value.at(-1));
}
await engine.snapshot([variable]);
console.log("value", (await readVariables([variable]))[0].data[0]);
`);
    expect(stderr).toBe("");
    expect(stdout).toBe("call 20000\ncall 40000\ncall 60000\nvalue 60000\n");
    expect(status).toBe(0);
  });

  it("that does not await its last call does not end before it", () => {
    const { stdout, status } = run(`${prelude(options)}
execution.run(20_000, inputsOf(100, 20_000, 1)).then(({ value }) => console.log(value.at(-1)));
`);
    expect(stdout).toBe("20000\n");
    expect(status).toBe(0);
  });

  it("ends by itself after a call that broke off, too", () => {
    const { stdout, status } = run(`${prelude(options)}
await execution.run(1, inputsOf(100, 1, 1, commands.trap)).catch(({ name }) => console.log(name));
`);
    expect(stdout).toBe("DeviceError\n");
    expect(status).toBe(0);
  });

  it("that closes its engine ends", () => {
    const { stdout, status } = run(`${prelude(options)}
const call = execution.run(2, inputsOf(100, 2, 1));
await engine.close();
await call;
console.log(variable.hostValue[0]);
`);
    expect(stdout).toBe("2\n");
    expect(status).toBe(0);
  });
});

it("a script without any flag of Node's runs on the default engine, fused where it can be", () => {
  const { stdout, stderr, status } = run(`
import { defaultEngine } from "./runtime/engine.js";
import { Trace } from "./tensor/trace.js";
const trace = new Trace();
const x = trace.input("x", "float32", [20, 20]);
trace.result("square", x.matmul(x).sum());
const execution = await defaultEngine().load(trace.finish());
const { square } = await execution.run(1, { x: new Float32Array(400).fill(1) });
console.log(square[0], execution.fma);
`);
  expect(stderr).toBe("");
  expect(stdout).toBe(`8000 ${fusedMultiplyAdd()}\n`);
  expect(status).toBe(0);
});
