/** A worker thread that does multiply-adds in registers for a window of time. */
import { parentPort, workerData } from "node:worker_threads";
import { peakFlopsPerRepeat, peakModule } from "../../dist/compile/wasm/peak.js";
import { fusedMultiplyAdd } from "../../dist/runtime/features.js";

// Also switches relaxed SIMD on, where Node leaves it off.
fusedMultiplyAdd();

const memory = new WebAssembly.Memory({ initial: 0 });
const module = new WebAssembly.Module(peakModule(workerData.fma));
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const peak = /** @type {(repeats: number) => number} */ (exports.peak);

/** About a tenth of a millisecond. */
const repeats = 20_000;

/** The same clock in all threads. */
const now = () => performance.timeOrigin + performance.now();

// The engine replaces its quick first code by its best only after some calls.
for (let i = 0; i < 500; i++) peak(repeats);

parentPort?.on("message", ({ start, milliseconds }) => {
  while (now() < start);
  const first = now();
  let last = first;
  let calls = 0;
  for (; last - first < milliseconds; calls++) {
    peak(repeats);
    last = now();
  }
  // GFLOP/s over the whole window: time that another program took counts.
  parentPort?.postMessage((calls * repeats * peakFlopsPerRepeat) / (last - first) / 1e6);
});
parentPort?.postMessage("ready");
