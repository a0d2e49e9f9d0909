/**
 * Random numbers inside a step: Philox 4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as
 * 1, 2, 3", SC 2011) as a composite, with the addressing of `base/philox.ts`. Nothing has state: a
 * number is a function of (seed, stream, step, element).
 */
import { streamHash } from "../base/philox.ts";
import type { Tensor } from "./tensor.ts";
import type { Trace } from "./trace.ts";

/** Where random numbers of a step come from: scalars of dtype uint32. */
export interface RandomSource {
  /** The low 32 bits of the run's seed. */
  readonly seed: Tensor;
  /** The high bits of the seed. */
  readonly seedHigh: Tensor;
  /** What is counted: steps, or samples of one input. */
  readonly step: Tensor;
  /**
   * Which of the four numbers of a block is taken; then each element has a block of its own. Default:
   * four elements share one.
   */
  readonly word?: Tensor;
  /** Where rows have numbers of their own. Default: an element is counted within its whole tensor. */
  readonly rows?: RowNumbers;
}

/** Numbers of a batch's rows: a row draws the same in whatever batch it comes. */
export interface RowNumbers {
  /** `[batch]`, from 1 on. */
  readonly numbers: Tensor;
  /** The number of the batch, for what is drawn across its rows. */
  batch(): Tensor;
}

/** A source whose numbers are inputs of the step: `seed`, `seedHigh` and `step`. */
export function inputSource(trace: Trace): RandomSource {
  const scalar = (name: string) => trace.input(name, "uint32", []);
  return { seed: scalar("seed"), seedHigh: scalar("seedHigh"), step: scalar("step") };
}

/** Round constants of the Philox paper, section 4.3. */
const multipliers = [0xd2511f53, 0xcd9e8d57] as const;
const weyl = [0x9e3779b9, 0xbb67ae85] as const;

/** 32 random bits for each element of a tensor like `shaped`, from the stream `path`. */
export function randomBits(
  trace: Trace,
  source: RandomSource,
  path: string,
  shaped: Tensor,
): Tensor {
  const u32 = (value: number) => trace.constant(value >>> 0, "uint32");
  const row = rowOf(shaped, source.rows);
  const element = elementIndex(trace, shaped, row?.position);
  const block = source.word ? element : element.shiftRight(2);
  let [c0, c1, c2, c3] = [block, source.step, row?.word ?? u32(0), source.seedHigh];
  let k0 = source.seed;
  let k1 = u32(streamHash(path));
  for (let round = 0; round < 10; round++) {
    if (round > 0) {
      k0 = k0.add(u32(weyl[0]));
      k1 = k1.add(u32(weyl[1]));
    }
    const [m0, m1] = [u32(multipliers[0]), u32(multipliers[1])];
    [c0, c1, c2, c3] = [
      c2.multiplyHigh(m1).xor(c1).xor(k0),
      c2.multiply(m1),
      c0.multiplyHigh(m0).xor(c3).xor(k1),
      c0.multiply(m0),
    ];
  }
  const word = source.word ?? element.and(u32(3));
  const odd = word.and(u32(1)).equal(u32(1));
  return word.less(u32(2)).where(odd.where(c1, c0), odd.where(c3, c2));
}

/** Uniform in [0, 1): the upper 24 of 32 random bits, times 2^-24. */
export function randomUniform(
  trace: Trace,
  source: RandomSource,
  path: string,
  shaped: Tensor,
): Tensor {
  const bits = randomBits(trace, source, path, shaped);
  return bits
    .shiftRight(8)
    .cast("float32")
    .multiply(2 ** -24);
}

/** Standard normal, within +-6.4, from one draw of 32 bits each (see `normalOfBits`). */
export const randomNormal = (
  trace: Trace,
  source: RandomSource,
  path: string,
  shaped: Tensor,
): Tensor => normalOfBits(trace, randomBits(trace, source, path, shaped));

/**
 * The value below which a standard normal lies with the probability (bits + 1/2) / 2^32, as
 * `base/philox.ts` draws on the host. It is AS 241's routine for single precision, PPND7
 * (Wichura, "The percentage points of the normal distribution", Applied Statistics 37 (1988),
 * 477-484), without its far tail, which 32 random bits never reach.
 */
export function normalOfBits(trace: Trace, bits: Tensor): Tensor {
  const u32 = (value: number) => trace.constant(value, "uint32");
  const isLower = bits.less(u32(2 ** 31));
  // Counted from the nearer end, and from the middle: so neither loses bits to a 1 or a 1/2.
  const fromEnd = isLower.where(bits, bits.xor(u32(2 ** 32 - 1)));
  const fromMiddle = u32(2 ** 31 - 1).subtract(fromEnd);
  const probability = (steps: Tensor) =>
    steps
      .cast("float32")
      .add(0.5)
      .multiply(2 ** -32);
  const q = probability(fromMiddle);
  const centre = trace.constant(0.180625).subtract(q.square());
  const tail = probability(fromEnd).logarithm().negate().squareRoot().subtract(1.6);
  const isCentre = q.lessEqual(0.425);
  const above = isCentre.where(
    polynomial(centre, [3.3871327179, 50.434271938, 159.29113202, 59.10937472]).multiply(q),
    polynomial(tail, [1.4234372777, 2.75681539, 1.3067284816, 0.17023821103]),
  );
  const below = isCentre.where(
    polynomial(centre, [1, 17.895169469, 78.757757664, 67.1875636]),
    polynomial(tail, [1, 0.7370016425, 0.12021132975]),
  );
  const size = above.divide(below);
  return isLower.where(size.negate(), size);
}

/** The sum of coefficients[i] x^i. */
function polynomial(x: Tensor, coefficients: readonly [number, ...number[]]): Tensor {
  const [constant, ...others] = coefficients;
  const last = others.pop()!;
  const inner = others.reduceRight((sum, c) => sum.add(c).multiply(x), x.multiply(last));
  return inner.add(constant);
}

/**
 * The counter's third word, where rows have numbers: the row's own where a dimension, at `position`,
 * is the batch; none where the first one has size 1 (all rows share the draw); else the batch's.
 */
function rowOf(
  shaped: Tensor,
  rows: RowNumbers | undefined,
): { readonly word: Tensor; readonly position?: number } | undefined {
  if (!rows) return undefined;
  const batch = rows.numbers.dimensions[0]?.name;
  const position = shaped.dimensions.findIndex(
    (dimension) => dimension && dimension.name === batch,
  );
  if (position < 0) return shaped.dimensions[0] && { word: rows.batch() };
  let word = rows.numbers;
  while (word.rank < shaped.rank - position) word = word.expandDimension(-1);
  return { word, position };
}

/** The row-major number of each element of `shaped`, within a row where one dimension is the batch. */
function elementIndex(trace: Trace, shaped: Tensor, batch?: number): Tensor {
  let index = trace.constant(0, "uint32");
  for (const [position, size] of shaped.shape.entries()) {
    if (size === 1 || position === batch) continue;
    index = index.multiply(trace.constant(size, "uint32")).add(trace.indexAlong(shaped, position));
  }
  return index;
}
