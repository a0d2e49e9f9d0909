// Writes a model with the built library (dist/) for torch_files.py: weights as safetensors, and in
// models.json what it predicts.
//
//     node tools/verify/write_torch_files.mjs FOLDER
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Engine, layers, sequential } from "antler";

const folder = process.argv[2];
const engine = new Engine({ threads: 1 });

const data = (shape, k) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return { data: Float32Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + k)), shape };
};

const net = sequential(
  [
    layers.flatten({ inputShape: [2, 3], name: "flat" }),
    layers.dense({ units: 5, name: "first", kernelInitializer: "heNormal" }),
    layers.elu({ name: "elu" }),
    layers.batchNormalization({ epsilon: 1e-5, name: "bn" }),
    layers.dense({ units: 5, useBias: false, name: "square" }),
    layers.batchNormalization({ epsilon: 1e-5, scale: false, name: "no_gamma" }),
    layers.batchNormalization({ epsilon: 1e-5, center: false, name: "no_beta" }),
    layers.prelu({ name: "prelu" }),
    layers.layerNormalization({ epsilon: 1e-5, name: "ln" }),
    layers.rmsNormalization({ epsilon: 1e-5, name: "rms" }),
    layers.dropout({ rate: 0.1, name: "drop" }),
    layers.dense({ units: 3, name: "last" }),
  ],
  { engine, seed: 3 },
);
net.compile({ optimizer: "sgd", loss: "meanSquaredError" });
for (let step = 0; step < 3; step++)
  await net.trainOnBatch(data([8, 2, 3], step), data([8, 3], step));
await net.saveWeights(join(folder, "model.safetensors"));
const x = data([4, 2, 3], 9);
const y = await net.predict(x);
const list = ({ data: values, shape }) => ({ data: [...values], shape });
writeFileSync(join(folder, "models.json"), JSON.stringify({ x: list(x), y: list(y), steps: 3 }));
await engine.close();
