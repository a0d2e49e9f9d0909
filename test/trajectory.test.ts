/** The first 100 losses of the exercise's ELU net against PyTorch's, from the same weights. */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { randomBits, toUniform } from "../src/base/philox.ts";
import {
  type Callback,
  Engine,
  type HostArray,
  layers,
  optimizers,
  sequential,
} from "../src/index.ts";

interface Losses {
  readonly float32: readonly number[];
  readonly float64: readonly number[];
  readonly nearMiss?: readonly number[];
}

interface Golden {
  readonly seed: number;
  readonly steps: number;
  readonly batch: number;
  readonly optimizer: Parameters<typeof optimizers.nadam>[0];
  readonly checks: {
    readonly kernels: readonly { path: string; shape: readonly number[]; first: number[] }[];
    readonly labels: readonly number[];
    readonly pixels: readonly number[];
    readonly pixelSum: number;
  };
  readonly made: Losses;
  readonly calm: Losses;
  readonly cifar10?: Losses;
}

const golden = JSON.parse(
  readFileSync(new URL("../tools/golden/trajectory.json", import.meta.url), "utf8"),
) as Golden;
const { seed, steps, batch, checks } = golden;
const images = steps * batch;
const pixels = 3072;

/** As tools/golden/trajectory.py makes them. */
function kernel(path: string, shape: readonly number[]): HostArray {
  const bits = randomBits(seed, path, 0, shape[0] * shape[1]);
  const scale = Math.fround(2 * Math.sqrt(6 / shape[0]));
  return { data: Float32Array.from(bits, (b) => (toUniform(b) - 0.5) * scale), shape };
}

function madeImages(): { x: Uint8Array; y: Uint8Array } {
  const y = Uint8Array.from(randomBits(seed, "golden/labels", 0, images), (bits) => bits % 10);
  const patterns = Array.from({ length: 10 }, (_, label) =>
    randomBits(seed, "golden/pattern", label, pixels),
  );
  const x = Uint8Array.from(
    randomBits(seed, "golden/noise", 0, images * pixels),
    (bits, i) => (patterns[y[Math.floor(i / pixels)]][i % pixels] & 127) + (bits & 127),
  );
  return { x, y };
}

/** Records 5,000 to 8,199 of the first file, channels last. */
function cifarImages(folder: string): { x: Uint8Array; y: Uint8Array } {
  const inside = `${folder}/cifar-10-batches-bin`;
  const file = readFileSync(`${existsSync(inside) ? inside : folder}/data_batch_1.bin`);
  const x = new Uint8Array(images * pixels);
  const y = new Uint8Array(images);
  for (let n = 0; n < images; n++) {
    const start = (5000 + n) * (pixels + 1);
    y[n] = file[start];
    for (let i = 0; i < pixels; i++)
      x[n * pixels + i] = file[start + 1 + (i % 3) * 1024 + Math.floor(i / 3)];
  }
  return { x, y };
}

const engine = new Engine({ device: "wasm" });
afterAll(() => engine.close());

/** The losses of all steps, each before its update. */
async function train(
  x: Uint8Array | Float32Array,
  y: Uint8Array,
  options = golden.optimizer,
): Promise<number[]> {
  const model = sequential(
    [
      layers.flatten({ inputShape: [32, 32, 3] }),
      ...Array.from({ length: 20 }, () => layers.dense({ units: 100, activation: "elu" })),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
    { engine, seed: 1 },
  );
  const kernels = checks.kernels.map(({ path, shape }) => kernel(path, shape));
  await model.setWeights(
    kernels.flatMap((one) => [
      one,
      { data: new Float32Array(one.shape[1]), shape: [one.shape[1]] },
    ]),
  );
  model.compile({
    optimizer: optimizers.nadam(options),
    loss: "sparseCategoricalCrossentropy",
  });
  const losses: number[] = [];
  let sum = 0;
  const reader: Callback = {
    onlyReadsLogs: true,
    onTrainBatchEnd(step, { loss }) {
      // Logs are means of the epoch so far.
      losses.push(loss * (step + 1) - sum);
      sum = loss * (step + 1);
    },
  };
  const shape = [images, 32, 32, 3];
  await model.fit({ data: x, shape }, y, { batchSize: batch, shuffle: false, callbacks: [reader] });
  return losses;
}

/** For each step: the distance to float64 in units of PyTorch's largest one up to there. */
function distances(losses: readonly number[], { float32, float64 }: Losses): number[] {
  expect(losses.length).toBe(steps);
  let largest = 0;
  return losses.map((loss, i) => {
    largest = Math.max(largest, Math.abs(float32[i] - float64[i]));
    return Math.abs(loss - float64[i]) / largest;
  });
}

describe("100 steps of the ELU net against PyTorch", () => {
  const { x, y } = madeImages();
  const calm = Float32Array.from(x, (value) => (value - 128) * 2 ** -7);

  it("starts from the same numbers", () => {
    for (const { path, shape, first } of checks.kernels)
      expect(kernel(path, shape).data.slice(0, 4)).toEqual(Float32Array.from(first));
    expect([...y.slice(0, 10)]).toEqual(checks.labels);
    expect([...x.slice(0, 8)]).toEqual(checks.pixels);
    expect(x.reduce((sum, value) => sum + value, 0)).toBe(checks.pixelSum);
  });

  it("calm images: within ten times PyTorch's own rounding", async () => {
    const losses = await train(calm, y);
    expect(Math.max(...distances(losses, golden.calm))).toBeLessThan(10);
    // The near misses: Keras 3's rule, as PyTorch in float64 and as we have it.
    expect(Math.max(...distances(golden.calm.nearMiss!, golden.calm))).toBeGreaterThan(10);
    const other = await train(calm, y, { ...golden.optimizer, momentumDecay: 1 });
    expect(Math.max(...distances(other, golden.calm))).toBeGreaterThan(10);
  });

  it("raw images, where it is chaotic: the same", async () => {
    expect(Math.max(...distances(await train(x, y), golden.made))).toBeLessThan(10);
  });

  const folder = process.env.ANTLER_DATA;
  if (folder && golden.cifar10)
    it("CIFAR-10, where ANTLER_DATA names its folder: the same", async () => {
      const data = cifarImages(folder);
      const losses = await train(data.x, data.y);
      expect(Math.max(...distances(losses, golden.cifar10!))).toBeLessThan(10);
    });
});
