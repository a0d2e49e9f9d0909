/** What the machine can reach: multiply-adds in registers, on one core and on two at once. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { maximum } from "./statistics.mjs";

/** Long enough that two threads on one core share it, not take turns in the best moment. */
const windowMilliseconds = 60;
const windows = 6;

/**
 * GFLOP/s of one core, and of two worker threads at the same time: the best of several windows, in
 * turns.
 *
 * @param {boolean} fma
 * @returns {Promise<{ one: number, joint: number }>}
 */
export async function measurePeaks(fma) {
  const workers = [0, 1].map(
    () => new Worker(new URL("./peak-worker.mjs", import.meta.url), { workerData: { fma } }),
  );
  try {
    await Promise.all(workers.map((worker) => once(worker, "message")));
    const one = [];
    const joint = [];
    for (let i = 0; i < windows; i++) {
      one.push(await rateOf([workers[i % 2]]));
      joint.push(await rateOf(workers));
    }
    return { one: maximum(one), joint: maximum(joint) };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/**
 * The sum of what these workers reach in one window.
 *
 * @param {readonly Worker[]} workers
 */
async function rateOf(workers) {
  // Both have the message by then.
  const start = performance.timeOrigin + performance.now() + 5;
  for (const worker of workers) worker.postMessage({ start, milliseconds: windowMilliseconds });
  const rates = await Promise.all(
    workers.map(async (worker) => (await once(worker, "message"))[0]),
  );
  return rates.reduce((sum, rate) => sum + rate, 0);
}

/** How often one core's peak two must reach together to count as two real ones. */
export const twoCores = 1.8;
