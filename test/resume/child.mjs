// A fit that test/resume.test.ts kills: node child.mjs FOLDER. It goes on where it was, appends a
// letter to FOLDER/steps for each step, and prints what has come of it as JSON.
//
// With KILL_AT=n in the environment it kills itself at its n-th operation on a file that it writes, in
// the middle of what is written.
import { appendFileSync } from "node:fs";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";

const folder = process.argv[2];
const die = () => process.kill(process.pid, "SIGKILL");

let operations = 0;
/** One more operation: it dies after half of it, where that is its turn. */
async function operation(half = () => undefined) {
  if (++operations !== Number(process.env.KILL_AT)) return;
  await half();
  die();
}

/** Makes the operations of a file handle, and renaming, such that one of them is the last. */
function watchFiles() {
  const { open, rename, unlink, rm } = fs;
  fs.open = async (path, flags, ...rest) => {
    const file = await open(path, flags, ...rest);
    if (flags === "r" || String(path).endsWith(".lock")) return file;
    await operation();
    const { writeFile, sync, truncate } = file;
    file.writeFile = async (bytes) => {
      await operation(() => writeFile.call(file, bytes.slice(0, bytes.length / 2)));
      await writeFile.call(file, bytes);
      await operation();
    };
    file.sync = async () => {
      await operation();
      await sync.call(file);
    };
    file.truncate = async (length) => {
      await operation();
      await truncate.call(file, length);
      await operation();
    };
    return file;
  };
  fs.rename = async (from, to) => {
    await operation();
    await rename(from, to);
    await operation();
  };
  fs.unlink = async (path) => {
    if (!String(path).endsWith(".lock")) await operation();
    await unlink(path);
  };
  fs.rm = async (path, options) => {
    await operation();
    await rm(path, options);
  };
  syncBuiltinESMExports();
}
watchFiles();

const { callbacks, Engine, layers, optimizers, sequential } = await import("../../dist/index.js");

const rows = 300;
const x = {
  data: Float32Array.from({ length: rows * 8 }, (_, i) => Math.sin(i * i)),
  shape: [rows, 8],
};
// Which of three sums is largest.
const y = Float32Array.from({ length: rows }, (_, i) => {
  const [a, b, c, d] = x.data.subarray(i * 8, i * 8 + 4);
  return a + b > c + d ? (a > b ? 0 : 1) : 2;
});

const engine = new Engine({ threads: 1 });
const model = sequential(
  [
    layers.dense({ units: 24, activation: "elu", inputShape: [8] }),
    layers.batchNormalization(),
    layers.dropout({ rate: 0.3 }),
    layers.dense({ units: 3, activation: "softmax" }),
  ],
  { seed: 11, engine },
);
model.compile({
  optimizer: optimizers.nadam({ learningRate: 0.02 }),
  loss: "sparseCategoricalCrossentropy",
  metrics: ["accuracy"],
});
const early = callbacks.earlyStopping({ patience: 3, restoreBestWeights: true });
const { history, epoch } = await model.fit(x, y, {
  epochs: Number(process.env.EPOCHS ?? 40),
  batchSize: 32,
  validationSplit: 0.2,
  callbacks: [
    callbacks.backupAndRestore(folder, {
      fileName: "last.keras",
      deleteCheckpoint: false,
      saveFreq: Number(process.env.SAVE_FREQ) || "epoch",
    }),
    callbacks.lambdaCallback({
      addsLogs: [],
      onTrainBegin: () => console.log("begin"),
      onTrainBatchEnd: () => appendFileSync(join(folder, "steps"), "."),
    }),
    early,
    callbacks.reduceLROnPlateau({ patience: 1, factor: 0.5 }),
    callbacks.csvLogger(join(folder, "history.csv")),
    callbacks.modelCheckpoint(join(folder, "best.keras"), { saveBestOnly: true }),
    callbacks.tensorBoard(join(folder, "logs"), { updateFreq: 3, histogramFreq: 2 }),
  ],
});
const bytes = async (variables) =>
  Promise.all(
    variables.map(async (one) => Buffer.from((await one.read()).data.buffer).toString("hex")),
  );
const weights = await bytes([
  ...model.weights,
  ...model.optimizer.variables,
  ...model.net.counters,
]);
const { stoppedEpoch, bestEpoch } = early;
const rate = model.optimizer.learningRate;
console.log(JSON.stringify({ weights, history, epoch, stoppedEpoch, bestEpoch, rate, operations }));
await engine.close();
