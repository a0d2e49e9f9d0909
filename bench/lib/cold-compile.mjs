/**
 * A program that records and compiles one train step, the first thing it does, and prints the
 * milliseconds of each part as JSON: what `bench/start.mjs` runs in processes of their own.
 */
const begin = performance.now();
const [{ Engine }, { variantModel }, { recordStep }, { canonicalize }, { print }, { compile }] =
  await Promise.all([
    import("../../dist/runtime/engine.js"),
    import("../../dist/lab/variants.js"),
    import("../../dist/model/step.js"),
    import("../../dist/ir/canonical.js"),
    import("../../dist/ir/print.js"),
    import("../../dist/compile/compile.js"),
  ]);
const { fusedMultiplyAdd } = await import("../../dist/runtime/features.js");
const { defaultThreads, stepShapes } = await import("./cold-step.mjs");
const loaded = performance.now();

const threads = defaultThreads();
const engine = new Engine({ threads });
const { net } = variantModel("elu", { seed: 1, engine });
const built = performance.now();

const { traced } = recordStep(net, net.compiled, "train", stepShapes);
const { computation } = canonicalize(traced.computation);
print(computation);
const recorded = performance.now();

const { bytes } = compile(computation, { threads, fma: fusedMultiplyAdd(), shared: true });
const compiled = performance.now();

new WebAssembly.Module(bytes);
const ready = performance.now();

await engine.close();
console.log(
  JSON.stringify({
    load: loaded - begin,
    build: built - loaded,
    trace: recorded - built,
    compile: compiled - recorded,
    module: ready - compiled,
  }),
);
