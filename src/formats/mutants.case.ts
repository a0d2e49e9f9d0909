/**
 * Damaged copies of a good file, for the tests of whatever reads files from outside. They aim at
 * what a file says of itself (lengths, offsets, counts, types) and at where it is cut off; at least
 * half of them are damaged past the file's first header.
 *
 * @example
 * const samples = [{ bytes: goodFile, header: 64 }];
 * const told = await survive(samples, (bytes) => readEvents(bytes), { count: mutantCount(300) });
 * expect(told.errors).toBeGreaterThan(0);
 */
import { DataError } from "../base/errors.ts";

/** A good file to damage. */
export interface Sample {
  readonly name?: string;
  readonly bytes: Uint8Array;
  /** Where the first header ends: bytes before it get fewer than half of the damages. */
  readonly header: number;
  /** Makes a damaged copy's checksums right again, so that the damage is met behind them. */
  readonly repair?: ((bytes: Uint8Array) => void) | undefined;
}

export interface Mutant {
  readonly bytes: Uint8Array;
  /** Where the damage begins in the sample. */
  readonly position: number;
  /** What was done, for messages: `sample 0, seed 1, mutant 17: 8 bytes at 2064 = 2^63`. */
  readonly what: string;
}

/** 10,000 with ANTLER_SOAK=1 (`npm run soak`), else `short`. */
export const mutantCount = (short: number): number =>
  process.env.ANTLER_SOAK === "1" ? 10_000 : short;

/** A random whole number below `n`. */
type Random = (n: number) => number;

/** A small generator (Steele, Lea & Flood 2014, SplitMix32), so that a mutant can be made again. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return Math.floor((((z ^ (z >>> 16)) >>> 0) / 2 ** 32) * n);
  };
}

interface Damage {
  readonly bytes: Uint8Array;
  readonly what: string;
}

/** A damage at a position of a file, by its name. */
const damages: readonly ((bytes: Uint8Array, at: number, random: Random) => Damage)[] = [
  damageField,
  damageField,
  damageField,
  damageField,
  damageType,
  damageType,
  damageDigits,
  flipBits,
  cut,
  insertOrRemove,
  copyOver,
];

/** `count` damaged copies of the samples in turn; the same ones for the same seed. */
export function* mutants(
  samples: readonly Sample[],
  count: number,
  seed = 1,
): Generator<Mutant, void, void> {
  for (let i = 0; i < count; i++) {
    const random = randomFrom(seed * 1_000_003 + i);
    const sample = samples[i % samples.length];
    const position = pickPosition(sample, random);
    const damage = damages[random(damages.length)](sample.bytes, position, random);
    sample.repair?.(damage.bytes);
    const name = sample.name ?? `sample ${i % samples.length}`;
    const what = `${name}, seed ${seed}, mutant ${i}: ${damage.what}`;
    yield { bytes: damage.bytes, position, what };
  }
}

/** Three of four behind the header. */
function pickPosition({ bytes, header }: Sample, random: Random): number {
  const isInHeader = header >= bytes.length || (header > 0 && random(4) === 0);
  return isInHeader
    ? random(Math.min(header, bytes.length))
    : header + random(bytes.length - header);
}

/** The numbers that readers stumble over. */
const extremes = (size: number, old: bigint, random: Random): bigint[] => [
  0n,
  1n,
  old + 1n,
  old - 1n,
  old * 2n,
  old << 8n,
  old << 24n,
  BigInt(size),
  BigInt(size) - 1n,
  BigInt(random(size)),
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  1n << 53n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];

/** Sets a number of 1, 2, 4 or 8 bytes that looks like a length, offset or count to an extreme. */
function damageField(source: Uint8Array, at: number, random: Random): Damage {
  const bytes = source.slice();
  const view = new DataView(bytes.buffer);
  const little = random(8) !== 0;
  const [start, width] = fieldNear(view, at, little, random);
  const fields = {
    1: [view.getUint8, view.setUint8],
    2: [view.getUint16, view.setUint16],
    4: [view.getUint32, view.setUint32],
  } as const;
  const old =
    width === 8
      ? view.getBigUint64(start, little)
      : BigInt(fields[width][0].call(view, start, little));
  const values = extremes(bytes.length, old, random);
  const value = BigInt.asUintN(8 * width, values[random(values.length)]);
  if (width === 8) view.setBigUint64(start, value, little);
  else fields[width][1].call(view, start, Number(value), little);
  return { bytes, what: `${width} bytes at ${start} = ${value}, ${little ? "little" : "big"}` };
}

/** A number near `at` that is not 0 and no larger than the file, if there is one. */
function fieldNear(view: DataView, at: number, little: boolean, random: Random) {
  const size = view.byteLength;
  const widths = ([8, 4, 2, 1] as const).filter((width) => width <= size);
  const width = widths[random(widths.length)];
  const last = size - width;
  for (let start = Math.min(at, last); start <= Math.min(at + 32, last); start++) {
    const value =
      width === 8
        ? Number(view.getBigUint64(start, little))
        : width === 4
          ? view.getUint32(start, little)
          : width === 2
            ? view.getUint16(start, little)
            : view.getUint8(start);
    if (value > 0 && value <= size) return [start, width] as const;
  }
  return [Math.min(at, last), width] as const;
}

/** Sets a small byte near the position, as types and versions are, to another small one. */
function damageType(source: Uint8Array, at: number, random: Random): Damage {
  const bytes = source.slice();
  const near = source.subarray(at, at + 32).findIndex((byte) => byte > 0 && byte < 32);
  const start = at + Math.max(0, near);
  bytes[start] = random(32);
  return { bytes, what: `byte at ${start} = ${bytes[start]}` };
}

/** Changes a number that is written in digits, or a letter, as in JSON. */
function damageDigits(source: Uint8Array, at: number, random: Random): Damage {
  const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;
  const near = source.subarray(at, at + 256).findIndex(isDigit);
  if (near === -1) return flipBits(source, at, random);
  const start = at + near;
  let end = start;
  while (end < source.length && isDigit(source[end])) end++;
  const texts = ["-1", "0", "1", "1e999", "4294967296", "9007199254740993", '"1"', "null", "[]"];
  const text = texts[random(texts.length)];
  const bytes = joined(source.subarray(0, start), letters(text), source.subarray(end));
  return { bytes, what: `the number at ${start} = ${text}` };
}

function flipBits(source: Uint8Array, at: number, random: Random): Damage {
  const bytes = source.slice();
  const count = 1 + random(4);
  for (let i = 0; i < count; i++)
    bytes[Math.min(at + random(8), bytes.length - 1)] ^= 1 << random(8);
  return { bytes, what: `${count} bits flipped from ${at} on` };
}

function cut(source: Uint8Array, at: number): Damage {
  return { bytes: source.slice(0, at), what: `cut off at ${at}` };
}

function insertOrRemove(source: Uint8Array, at: number, random: Random): Damage {
  const count = 1 + random(16);
  if (random(2) === 0) {
    const bytes = joined(source.subarray(0, at), source.subarray(at + count));
    return { bytes, what: `${count} bytes removed at ${at}` };
  }
  const bytes = joined(source.subarray(0, at), new Uint8Array(count), source.subarray(at));
  return { bytes, what: `${count} zeros inserted at ${at}` };
}

/** Copies a part of the file over another one: structures where others should be. */
function copyOver(source: Uint8Array, at: number, random: Random): Damage {
  const bytes = source.slice();
  const from = random(source.length);
  const count = Math.min(1 + random(64), source.length - Math.max(from, at));
  bytes.copyWithin(at, from, from + count);
  return { bytes, what: `${count} bytes at ${from} copied to ${at}` };
}

const letters = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

export interface SurviveOptions {
  readonly count: number;
  readonly seed?: number | undefined;
  /** Most that one mutant may take. Default 10,000. */
  readonly milliseconds?: number | undefined;
  /** Most that the process may grow by in all, in MB. Default 512. */
  readonly megabytes?: number | undefined;
  /** Looks at what was read of a mutant; throws where it cannot be right. */
  readonly check?: ((value: unknown, mutant: Mutant) => void) | undefined;
}

export interface Told {
  /** Mutants that were read. */
  readonly values: number;
  /** Mutants that ended in a DataError. */
  readonly errors: number;
  /** Mutants that were damaged past the first header. */
  readonly pastHeader: number;
  readonly slowestMilliseconds: number;
}

/**
 * Reads all mutants: each must give a value or a DataError, in time and in bounded memory. What
 * does something else is thrown, with the mutant that did it.
 */
export async function survive(
  samples: readonly Sample[],
  read: (bytes: Uint8Array) => unknown,
  options: SurviveOptions,
): Promise<Told> {
  const { count, seed = 1, milliseconds = 10_000, megabytes = 512, check } = options;
  const before = process.memoryUsage.rss();
  let [values, errors, pastHeader, slowestMilliseconds] = [0, 0, 0, 0];
  for (const mutant of mutants(samples, count, seed)) {
    const start = performance.now();
    try {
      const value = await read(mutant.bytes);
      check?.(value, mutant);
      values++;
    } catch (error) {
      if (!(error instanceof DataError)) throw new Error(mutant.what, { cause: error });
      errors++;
    }
    const took = performance.now() - start;
    if (took > milliseconds) throw new Error(`${mutant.what}: took ${Math.round(took)} ms`);
    slowestMilliseconds = Math.max(slowestMilliseconds, took);
    const i = values + errors - 1;
    const { header } = samples[i % samples.length];
    if (mutant.position >= header) pastHeader++;
    const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
    if (grown > megabytes) throw new Error(`${mutant.what}: ${Math.round(grown)} MB more`);
  }
  return { values, errors, pastHeader, slowestMilliseconds };
}
