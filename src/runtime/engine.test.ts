import { afterEach, describe, expect, it } from "vitest";
import { DeviceError, NameError, ShapeError, StateError, ValueError } from "../base/errors.ts";
import { Trace } from "../tensor/trace.ts";
import { readVariables, Variable, writeVariables } from "../tensor/variable.ts";
import { defaultEngine, Engine, setDefaultEngine } from "./engine.ts";
import { type FakeOptions, fakeEngine } from "./fake-engine.case.ts";
import { commands, compileFake, inputsOf, traceAccumulate, traceOn } from "./fake-program.case.ts";

const engines: Engine[] = [];

function make(options: FakeOptions = {}) {
  const { engine } = fakeEngine(options);
  engines.push(engine);
  return engine;
}

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

const first = async (variable: Variable) => (await readVariables([variable]))[0]!.data[0];

describe("the queue", () => {
  it("runs calls, reads and writes in the order in which they were asked for", async () => {
    const engine = make();
    const { traced, variable } = traceAccumulate(20);
    const execution = await engine.load(traced);
    const values: (number | undefined)[] = [];
    const note = async (promise: Promise<number | undefined>) => values.push(await promise);
    const run = () => execution.run(2, inputsOf(20, 2, 1)).then(({ value }) => value!.at(-1));
    await Promise.all([
      note(run()),
      note(first(variable)),
      note(run()),
      writeVariables([variable], [new Float32Array(20).fill(100)]),
      note(run()),
      note(first(variable)),
    ]);
    expect(values).toEqual([2, 2, 4, 102, 102]);
  });

  it("takes copies: what a caller does with its arrays later changes nothing", async () => {
    const engine = make();
    const { traced, variable } = traceAccumulate(20);
    const execution = await engine.load(traced);
    const inputs = inputsOf(20, 1, 1);
    const call = execution.run(1, inputs);
    inputs.x.fill(50);
    const values = new Float32Array(20).fill(9);
    const { value } = await call;
    expect(value![0]).toBe(1);
    const writing = writeVariables([variable], [values]);
    values.fill(50);
    await writing;
    const [read] = await engine.read([variable]);
    expect(read![0]).toBe(9);
    read!.fill(50);
    value!.fill(50);
    expect(await first(variable)).toBe(9);
  });

  it("a call that waits behind one that breaks off fails too, later ones do not", async () => {
    const engine = make();
    const [a, b] = [traceAccumulate(20), traceAccumulate(40)];
    const [runA, runB] = [await engine.load(a.traced), await engine.load(b.traced)];
    const broken = runA.run(1, inputsOf(20, 1, 1, commands.trap));
    const behind = runB.run(1, inputsOf(40, 1, 1));
    const reading = first(b.variable);
    await expect(broken).rejects.toThrow(DeviceError);
    await expect(behind).rejects.toThrow(DeviceError);
    expect(await reading).toBe(0);
    expect((await runB.run(1, inputsOf(40, 1, 1))).value![0]).toBe(1);
  });
});

describe("programs", () => {
  it("are compiled once for the same computation, whatever its variables are", async () => {
    const engine = make();
    const variables = [];
    for (let k = 0; k < 3; k++) {
      const { traced, variable } = traceAccumulate(20);
      const execution = await engine.load(traced);
      await execution.run(1, inputsOf(20, 1, k));
      variables.push(variable);
    }
    expect(engine.compilations).toBe(1);
    expect(await Promise.all(variables.map(first))).toEqual([0, 1, 2]);
    await engine.load(traceAccumulate(21).traced);
    expect(engine.compilations).toBe(2);
  });

  it("leave the cache when 64 others were used since, and an execution brings its own back", async () => {
    const engine = make({ threads: 1 });
    const { traced, variable } = traceAccumulate(1000);
    const old = await engine.load(traced);
    await old.run(1, inputsOf(1000, 1, 1));
    for (let size = 2; size < 66; size++) await engine.load(traceAccumulate(size).traced);
    expect(engine.compilations).toBe(65);
    await engine.load(traceOn(new Variable({ path: "w", shape: [40] })));
    expect(engine.compilations).toBe(65);
    await old.run(1, inputsOf(1000, 1, 1));
    expect(await first(variable)).toBe(2);
    await engine.load(traceOn(new Variable({ path: "w", shape: [1000] })));
    expect(engine.compilations).toBe(65);
    await engine.load(traceOn(new Variable({ path: "w", shape: [2] })));
    expect(engine.compilations).toBe(66);
  });

  it("that the host does not take are an error with its reason", async () => {
    const engine = make({
      compile: (computation) => ({
        ...compileFake(computation, { threads: 1, fma: false, shared: true }),
        bytes: new Uint8Array([0, 1, 2]),
      }),
    });
    await expect(engine.load(traceAccumulate(20).traced)).rejects.toThrow(
      /device "wasm": a program that this host's WebAssembly takes, got .*WebAssembly.compile\(\)/,
    );
  });
});

describe("variables", () => {
  it("are shared by all executions that use them", async () => {
    const engine = make();
    const variable = new Variable({ path: "v", shape: [20] });
    const [a, b] = [await engine.load(traceOn(variable)), await engine.load(traceOn(variable))];
    await a.run(1, inputsOf(20, 1, 1));
    expect((await b.run(1, inputsOf(20, 1, 1))).value![0]).toBe(2);
  });

  it("go to a second engine and back with their values", async () => {
    const [one, two] = [make(), make()];
    const variable = new Variable({ path: "v", shape: [20] });
    const traced = traceOn(variable);
    const [a, b] = [await one.load(traced), await two.load(traced)];
    for (const execution of [a, b, a, a, b]) await execution.run(1, inputsOf(20, 1, 1));
    expect(variable.store).toBe(two);
    expect(await first(variable)).toBe(5);
    expect((await one.read([variable]))[0]![0]).toBe(5);
    await one.write([variable], [new Float32Array(20).fill(8)]);
    expect(variable.store).toBe(two);
    expect(await first(variable)).toBe(8);
    expect((await a.run(1, inputsOf(20, 1, 1))).value![0]).toBe(9);
  });

  it("come back to host arrays when the engine closes", async () => {
    const engine = make();
    const { traced, variable } = traceAccumulate(20);
    const lost = traceAccumulate(20);
    const execution = await engine.load(traced);
    const failing = await engine.load(lost.traced);
    const call = execution.run(3, inputsOf(20, 3, 1));
    await engine.close();
    await call;
    await expect(failing.run(1, inputsOf(20, 1, 1, commands.trap))).rejects.toThrow(StateError);
    expect(variable.hostValue).toEqual(new Float32Array(20).fill(3));
    expect(await first(lost.variable)).toBe(0);
    await expect(execution.run(1, inputsOf(20, 1, 1))).rejects.toThrow("one that was closed");
    await expect(engine.load(traced)).rejects.toThrow("one that was closed");
    const other = make();
    const again = await other.load(traced);
    expect((await again.run(1, inputsOf(20, 1, 1))).value![0]).toBe(4);
  });

  it("that were lost stay lost when the engine closes, until they are written", async () => {
    const engine = make();
    const { traced, variable } = traceAccumulate(20);
    const execution = await engine.load(traced);
    await expect(execution.run(1, inputsOf(20, 1, 1, commands.trap))).rejects.toThrow(DeviceError);
    await engine.close();
    await expect(first(variable)).rejects.toThrow("broke off");
    await writeVariables([variable], [new Float32Array(20).fill(4)]);
    expect(await first(variable)).toBe(4);
    const again = await make().load(traced);
    expect((await again.run(1, inputsOf(20, 1, 1))).value![0]).toBe(5);
  });

  it("are set back by a snapshot, lost ones too", async () => {
    const engine = make();
    const { traced, variable } = traceAccumulate(20);
    const execution = await engine.load(traced);
    await execution.run(1, inputsOf(20, 1, 1));
    const snapshot = await engine.snapshot([variable]);
    await execution.run(5, inputsOf(20, 5, 1));
    await engine.restore(snapshot);
    expect(await first(variable)).toBe(1);
    await expect(execution.run(1, inputsOf(20, 1, 1, commands.trap))).rejects.toThrow(DeviceError);
    await engine.restore(snapshot);
    expect((await execution.run(1, inputsOf(20, 1, 1))).value![0]).toBe(2);
  });

  it("must have the right number of values, or none is written", async () => {
    const engine = make();
    const [a, b] = [1, 2].map((k) => new Variable({ path: `v/${k}`, shape: [3] }));
    const values = [new Float32Array(3).fill(1), new Float32Array(4)];
    await expect(engine.write([a!, b!], values)).rejects.toThrow(ShapeError);
    expect(await first(a!)).toBe(0);
  });
});

describe("wrong use", () => {
  it("of run is named", async () => {
    const engine = make();
    const execution = await engine.load(traceAccumulate(20).traced);
    const { x, command } = inputsOf(20, 2, 1);
    for (const steps of [0, 1.5, Number.NaN])
      await expect(execution.run(steps, { x, command })).rejects.toThrow(ValueError);
    await expect(execution.run(2, { x })).rejects.toThrow('run: an input named "command", got x.');
    await expect(execution.run(1, { x, command })).rejects.toThrow(
      'input "x": 1 x 20 numbers, for so many steps, got 40.',
    );
    await expect(execution.run(2, { x, command, other: x })).resolves.toBeDefined();
    execution.close();
    await expect(execution.run(2, { x, command })).rejects.toThrow(StateError);
  });

  it("of options is named", () => {
    expect(() => new Engine({ threads: 0 })).toThrow(ValueError);
    expect(() => new Engine({ threads: 1.5 })).toThrow(ValueError);
    expect(() => new Engine({ maximumBytes: 3 })).toThrow(ValueError);
    expect(() => new Engine({ shared: false, threads: 2 })).toThrow(
      "the shared memory that 2 threads need was asked for",
    );
    expect(() => new Engine({ device: "wsam" as "wasm" })).toThrow(NameError);
    expect(() => new Engine({ device: "wsam" as "wasm" })).toThrow('Did you mean "wasm"?');
  });

  it("of tables is named", async () => {
    const engine = make();
    const trace = new Trace();
    const indices = trace.input("rows", "uint32", [4]);
    trace.result("x", trace.gather("images", "uint8", [2, 1, 3], indices).cast("float32"));
    const traced = trace.finish();
    const upload = (data: Uint8Array | Float32Array, ...shape: number[]) =>
      engine.upload({ data, shape });
    await expect(engine.load(traced)).rejects.toThrow('a table named "images"');
    const foreign = await make().upload({ data: new Uint8Array(30), shape: [5, 2, 3] });
    await expect(engine.load(traced, { images: foreign })).rejects.toThrow(
      'table "images": must come from upload() of the same engine, got a table of another engine.',
    );
    const wrong = await upload(new Uint8Array(15), 5, 3);
    await expect(engine.load(traced, { images: wrong })).rejects.toThrow(
      "rows must be uint8 of shape [2, 3] (sizes of 1 left out), got uint8 of shape [3]",
    );
    const floats = await upload(new Float32Array(30), 5, 2, 3);
    await expect(engine.load(traced, { images: floats })).rejects.toThrow(ShapeError);
    const released = await upload(new Uint8Array(30), 5, 2, 3);
    released.release();
    released.release();
    await expect(engine.load(traced, { images: released })).rejects.toThrow(StateError);
    await expect(upload(new Uint8Array(4))).rejects.toThrow(ShapeError);
    await expect(upload(new Uint8Array(4), 5)).rejects.toThrow(ShapeError);
  });
});

it("the default engine is one, until another is set", () => {
  const own = make();
  setDefaultEngine(own);
  expect(defaultEngine()).toBe(own);
  setDefaultEngine(undefined);
  const made = defaultEngine();
  engines.push(made);
  expect(made).not.toBe(own);
  expect(defaultEngine()).toBe(made);
  expect(made.device).toBe("wasm");
  setDefaultEngine(undefined);
});
