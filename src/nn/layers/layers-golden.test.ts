/** Every layer against real Keras 3: see tools/golden/layers.py. */
import { describe, expect, it } from "vitest";
import { gradients } from "../../tensor/gradients.ts";
import { inputSource } from "../../tensor/random.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Trace } from "../../tensor/trace.ts";
import { ForwardPass } from "../context.ts";
import type { AnyLayer, LayerInput } from "../layer.ts";
import { deserializeLayer, serializeLayer } from "../layer-registry.ts";
import { compute, difference, golden, type Nested, type Values, valuesOf } from "../values.case.ts";
import { Normalization } from "./index.ts";

interface Config {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

interface Case extends Config {
  readonly note?: string;
  readonly training: boolean;
  readonly inputs: readonly Nested[];
  /** Whether the layer takes a list. */
  readonly isList: boolean;
  readonly weights: readonly { name: string; trainable: boolean; value: Nested }[];
  readonly upstream: Nested;
  readonly y: Nested;
  readonly inputGradients: readonly Nested[];
  readonly weightGradients: readonly Nested[];
  /** The weights without gradient after the call. */
  readonly after: readonly Nested[];
  /** What the layer and its weights add to the loss. */
  readonly loss: number;
  /** What Keras drew. */
  readonly noise?: Nested;
}

interface Batches extends Config {
  readonly weights: readonly Nested[];
  readonly steps: readonly { x: Nested; y: Nested; after: readonly Nested[] }[];
  readonly x: Nested;
  readonly y: Nested;
}

const core = golden<Record<"cases" | "quiet" | "noisy", Case[]>>("layers-core.json");
const normalization = golden<{
  cases: Case[];
  batches: Batches[];
  adapted: (Case & { data: Nested })[];
}>("layers-normalization.json");
const merging = golden<{ cases: Case[] }>("layers-merging.json");

/** Of the numbers' size, or of 1 where they are smaller: float32 sums in another order. */
const tolerance = 2e-5;
const far = (found: Values, expected: Nested): number =>
  difference(found.data, valuesOf(expected).data, 1);

const context = { path: "layer", seed: 1 };

function layerOf(config: Config): AnyLayer {
  return deserializeLayer(JSON.parse(JSON.stringify(config)));
}

function build(layer: AnyLayer, inputs: readonly Values[], isList: boolean): void {
  const shapes = inputs.map(({ shape }) => shape.slice(1));
  layer.buildFor((isList ? shapes : shapes[0]) as never, context);
}

interface Called {
  readonly y: Tensor;
  readonly losses: readonly Tensor[];
}

/** Calls a layer, with noise in the place of random numbers, as a model does. */
function call(
  layer: AnyLayer,
  xs: readonly Tensor[],
  { training, isList }: Pick<Case, "training" | "isList">,
  trace: Trace,
  noise?: Tensor,
): Called {
  const source = () => inputSource(trace);
  const pass = new ForwardPass({ trace, sampling: training, batchStatistics: training, source });
  const drawn = () => noise ?? trace.constant(0.5);
  const random = { uniform: drawn, normal: drawn };
  const given = pass.contextOf("layer");
  const x: LayerInput = isList ? xs : xs[0];
  const y = (layer as unknown as { call(x: LayerInput, context: object): Tensor }).call(x, {
    ...given,
    random,
  });
  const ofWeights = layer.weights.flatMap(
    (weight) => layer.regularizerOf(weight)?.call(trace.read(weight)) ?? [],
  );
  // As models do.
  const penalty = layer.activityRegularizer?.call(y).multiply(1 / y.shape[0]);
  return { y, losses: [...pass.losses, ...ofWeights, ...(penalty ? [penalty] : [])] };
}

/** All that Keras recorded of a case, by Antler. */
function run(one: Case) {
  const layer = layerOf(one);
  const inputs = one.inputs.map(valuesOf);
  build(layer, inputs, one.isList);
  const weights = one.weights.map(({ value }) => valuesOf(value));
  const noise = one.noise === undefined ? [] : [valuesOf(one.noise)];
  const results = compute(
    [valuesOf(one.upstream), ...inputs, ...weights, ...noise],
    ([upstream, ...tensors], trace) => {
      const xs = tensors.slice(0, inputs.length);
      const values = tensors.slice(inputs.length, inputs.length + weights.length);
      for (const [i, weight] of layer.weights.entries()) trace.assign(weight, values[i]);
      const { y, losses } = call(layer, xs, one, trace, tensors[inputs.length + weights.length]);
      const trained = values.filter((_, i) => one.weights[i].trainable);
      const zero = trace.constant(0);
      const loss = losses.reduce((sum, part) => sum.add(part), zero);
      const states = layer.weights.filter((_, i) => !one.weights[i].trainable);
      return [
        y,
        loss,
        ...gradients(y.multiply(upstream).sum(), [...xs, ...trained]),
        ...states.map((weight) => trace.read(weight)),
      ];
    },
  );
  const [y, loss, ...others] = results;
  const ofInputs = others.splice(0, inputs.length);
  const ofWeights = others.splice(0, one.weightGradients.length);
  return { layer, y, loss, ofInputs, ofWeights, after: others };
}

/** Without what says nothing: nulls, and Keras's empty objects for them. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, bare(item)] as const)
    .filter(([key, item]) => item !== null && !(key === "renorm_clipping" && isEmpty(item)));
  return Object.fromEntries(entries);
}

const isEmpty = (value: unknown) => Object.keys(value as object).length === 0;

function check(one: Case): void {
  const { layer, y, loss, ofInputs, ofWeights, after } = run(one);
  const given = one.inputs.map((x) => valuesOf(x).shape.slice(1));
  const shapes = (one.isList ? given : given[0]) as never;
  expect(layer.computeOutputShape(shapes)).toEqual(valuesOf(one.y).shape.slice(1));
  expect(layer.weights.map(({ path, shape }) => [path.slice("layer/".length), shape])).toEqual(
    one.weights.map(({ name, value }) => [name, valuesOf(value).shape]),
  );
  expect(layer.trainableWeights.length).toBe(one.weights.filter((w) => w.trainable).length);
  expect(y.shape).toEqual(valuesOf(one.y).shape);
  expect(far(y, one.y)).toBeLessThan(tolerance);
  expect(far(loss, one.loss)).toBeLessThan(tolerance);
  for (const [i, expected] of one.inputGradients.entries())
    expect(far(ofInputs[i], expected)).toBeLessThan(tolerance);
  for (const [i, expected] of one.weightGradients.entries())
    expect(far(ofWeights[i], expected)).toBeLessThan(tolerance);
  for (const [i, expected] of one.after.entries())
    expect(far(after[i], expected)).toBeLessThan(tolerance);
  const written = serializeLayer(layer);
  expect(written.class_name).toBe(one.class_name);
  expect(bare(written.config)).toEqual(bare(one.config));
}

const suites = {
  "of all kinds": core.cases,
  "of noise, where there is none": core.quiet,
  "of noise, given what was drawn": core.noisy,
  "that normalize": normalization.cases,
  "that merge": merging.cases,
};

for (const [name, cases] of Object.entries(suites))
  describe(`layers ${name} are Keras's`, () => {
    for (const [i, one] of cases.entries()) {
      const { class_name, config, note = "" } = one;
      const { name: _, trainable, ...options } = config;
      it(`${i}: ${class_name} ${note} ${JSON.stringify(bare(options)).slice(0, 60)}`, () =>
        check(one));
    }
  });

describe("batch normalization over several batches", () => {
  for (const one of normalization.batches)
    it(JSON.stringify({ momentum: one.config.momentum, renorm: one.config.renorm }), () => {
      const layer = layerOf(one);
      build(layer, [valuesOf(one.steps[0].x)], false);
      const states = layer.weights.filter(({ trainable }) => !trainable);
      let weights = one.weights.map(valuesOf);
      const step = (x: Nested, training: boolean) => {
        const [y, ...after] = compute([valuesOf(x), ...weights], ([tensor, ...values], trace) => {
          for (const [i, weight] of layer.weights.entries()) trace.assign(weight, values[i]);
          const { y } = call(layer, [tensor], { training, isList: false }, trace);
          return [y, ...layer.weights.map((weight) => trace.read(weight))];
        });
        weights = after;
        return y;
      };
      for (const { x, y, after } of one.steps) {
        expect(far(step(x, true), y)).toBeLessThan(tolerance);
        const moved = weights.slice(weights.length - states.length);
        for (const [i, expected] of after.entries())
          expect(far(moved[i], expected)).toBeLessThan(tolerance);
      }
      expect(far(step(one.x, false), one.y)).toBeLessThan(tolerance);
    });
});

describe("normalization adapts as Keras's", () => {
  for (const [i, one] of normalization.adapted.entries())
    it(`${i}: axis ${JSON.stringify(one.config.axis)}`, async () => {
      const before = layerOf(one) as unknown as Normalization;
      const after = layerOf(one) as unknown as Normalization;
      expect(before).toBeInstanceOf(Normalization);
      const { data, shape } = valuesOf(one.data);
      const x = valuesOf(one.inputs[0]);
      build(after as unknown as AnyLayer, [x], false);
      for (const layer of [before, after]) {
        await layer.adapt({ data: new Float64Array(data) as never, shape });
        build(layer as unknown as AnyLayer, [x], false);
        const found = await layer.getWeights();
        for (const [j, { value }] of one.weights.entries())
          expect(far({ ...found[j], data: Float64Array.from(found[j].data) }, value)).toBeLessThan(
            tolerance,
          );
      }
      check(one);
    });
});

describe("the comparison rejects near misses", () => {
  const find = (cases: readonly Case[], name: string, fits: (one: Case) => boolean = () => true) =>
    cases.find((one) => one.class_name === name && fits(one))!;
  const ofBatch = find(normalization.cases, "BatchNormalization", (one) => one.training);
  const miss = (one: Case, make: (xs: readonly Tensor[], weights: readonly Tensor[]) => Tensor) => {
    const given = [...one.inputs, ...one.weights.map(({ value }) => value)].map(valuesOf);
    const [y] = compute(given, (tensors) => [
      make(tensors.slice(0, one.inputs.length), tensors.slice(one.inputs.length)),
    ]);
    return far(y, one.y);
  };
  const mean = (x: Tensor) => x.mean(0, true);
  const variance = (x: Tensor) => mean(x.subtract(mean(x)).square());

  it("epsilon outside of the root", () => {
    const found = miss(ofBatch, ([x], [gamma, beta]) => {
      const deviation = variance(x).squareRoot().add(1e-3);
      return x.subtract(mean(x)).divide(deviation).multiply(gamma).add(beta);
    });
    expect(found).toBeGreaterThan(10 * tolerance);
  });

  it("the variance of a sample, as PyTorch's running one", () => {
    const rows = valuesOf(ofBatch.inputs[0]).shape[0];
    const { after } = run(ofBatch);
    const old = valuesOf(ofBatch.weights[3].value).data;
    const sample = after[1].data.map((moved, i) => {
      const ofThisBatch = (moved - 0.99 * old[i]) / 0.01;
      return 0.99 * old[i] + (0.01 * ofThisBatch * rows) / (rows - 1);
    });
    expect(far({ ...after[1], data: sample }, ofBatch.after[1])).toBeGreaterThan(10 * tolerance);
    const found = miss(ofBatch, ([x], [gamma, beta]) => {
      const unbiased = variance(x).multiply(rows / (rows - 1));
      const deviation = unbiased.add(1e-3).squareRoot();
      return x.subtract(mean(x)).divide(deviation).multiply(gamma).add(beta);
    });
    expect(found).toBeGreaterThan(10 * tolerance);
  });

  it("the activation's slope in the layer LeakyReLU", () => {
    const one = find(core.cases, "LeakyReLU");
    expect(miss(one, ([x]) => x.maximum(x.multiply(0.2)))).toBeGreaterThan(10 * tolerance);
    expect(miss(one, ([x]) => x.maximum(x.multiply(0.3)))).toBeLessThan(tolerance);
  });

  it("alpha dropout without its affine map", () => {
    const one = find(core.noisy, "AlphaDropout");
    const [rate, noise] = [one.config.rate as number, valuesOf(one.noise!).data];
    const x = valuesOf(one.inputs[0]);
    const bare = x.data.map((value, i) => (noise[i] >= rate ? value : -1.7580993408473766));
    expect(far({ ...x, data: bare }, one.y)).toBeGreaterThan(10 * tolerance);
    const a = 1 / Math.sqrt((1 - rate) * (1 + rate * 1.7580993408473766 ** 2));
    const mapped = bare.map((value) => a * value + a * 1.7580993408473766 * rate);
    expect(far({ ...x, data: mapped }, one.y)).toBeLessThan(tolerance);
  });

  it("all of the gradient to one of two equal inputs", () => {
    const one = find(merging.cases, "Maximum", ({ note }) => note?.includes("share") ?? false);
    const { ofInputs } = run(one);
    const twice = ofInputs[0].data.map((g) => 2 * g);
    expect(far({ ...ofInputs[0], data: twice }, one.inputGradients[0])).toBeGreaterThan(0.01);
  });

  it("a sum in the place of a mean, and another axis", () => {
    const one = find(merging.cases, "Average");
    expect(miss(one, ([a, b, c]) => a.add(b).add(c))).toBeGreaterThan(10 * tolerance);
    const rms = find(normalization.cases, "RMSNormalization");
    const found = miss(rms, ([x], [scale]) =>
      x.divide(x.square().mean(0, true).add(1e-6).squareRoot()).multiply(scale),
    );
    expect(found).toBeGreaterThan(10 * tolerance);
  });
});
