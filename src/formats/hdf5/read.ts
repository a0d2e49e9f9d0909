import type { TypedArray } from "../../base/dtype.ts";
import { DataError } from "../../base/errors.ts";
import { fromBfloat16, fromFloat16 } from "../half-floats.ts";
import type {
  H5Dataset,
  H5Group,
  H5Value,
  Half,
  RawDataset,
  RawGroup,
  RawValue,
  ReadHdf5Options,
} from "./types.ts";
import {
  type Answer,
  loadHere,
  type SessionWorker,
  startSession,
  type WorkerBounds,
} from "./worker.ts";
import { endWaitingWriter } from "./write.ts";

const mebibyte = 2 ** 20;
/** An HDF5 file whose arrays are larger than all of a worker's memory cannot be read. */
const mostBytes = 2 ** 32;
/** What HDF5's gzip can make of zeros; Keras has the same bound. */
const mostExpansion = 1000;
const smallFile = 64 * mebibyte;
/** Of h5wasm: for an array, a piece of it and what filters make of that, all at the same time. */
const [smallMemory, mostMemory] = [256 * mebibyte, 2 ** 31];
/** Groups, arrays and attributes; a net of a thousand layers has some ten thousand. */
const mostObjects = 200_000;
const mostDepth = 64;

/** All limits that the reading of a file gets. */
export interface ReadLimits {
  /** For the session (see `session-problem.js`). */
  readonly session: { readonly bytes: number; readonly objects: number; readonly depth: number };
  readonly worker: WorkerBounds;
  readonly milliseconds: number;
}

/** The limits for a file of `size` bytes. */
export function limitsFor(size: number, options: ReadHdf5Options): ReadLimits {
  const bytes = Math.min(options.maxBytes ?? mostBytes, Math.max(smallFile, mostExpansion * size));
  return {
    session: { bytes, objects: mostObjects, depth: mostDepth },
    worker: { memory: Math.min(mostMemory, smallMemory + 16 * size), heap: 512 * mebibyte },
    milliseconds: options.milliseconds ?? 30_000 + size / 5000,
  };
}

/**
 * Reads an HDF5 file as a whole: groups, arrays and attributes. It is read by the HDF5 library
 * (h5wasm), in a worker of its own that has bounds on time and memory and is thrown away afterwards,
 * whatever the file does to it. (In a page whose workers cannot load h5wasm, it is read in the page,
 * where nothing bounds the time.)
 *
 * Numbers come in their own type; 64-bit integers as float64, float16 and bfloat16 as float32, bool
 * as uint8 (0 and 1). Attributes that are neither numbers nor strings (references, compounds) are
 * left out.
 *
 * @throws DataError if the file is no HDF5 file, broken, larger unpacked than it may be (see
 *   `maxBytes`), takes too long, refers to other files (external links, external or virtual
 *   datasets, which Keras refuses as well), or has arrays of other types than numbers and strings,
 *   or integers beyond 2^53
 * @example
 * const root = await readHdf5(bytes, { who: "model.weights.h5" });
 * const layers = root.children.layers; // H5Group | H5Dataset | undefined
 */
export async function readHdf5(bytes: Uint8Array, options: ReadHdf5Options = {}): Promise<H5Group> {
  const who = options.who ?? "readHdf5";
  const limits = limitsFor(bytes.length, options);
  checkSignature(bytes, who);
  // Two of them at a time would be 60 MB more.
  await endWaitingWriter();
  const worker = await startSession(limits.worker);
  if (worker === undefined) return readHere(bytes, limits, who);
  try {
    return await readWith(worker, bytes, limits, who);
  } finally {
    await worker.end();
  }
}

/** Reads a file with a worker that may have read others before. */
export async function readWith(
  worker: SessionWorker,
  bytes: Uint8Array,
  limits: ReadLimits,
  who: string,
): Promise<H5Group> {
  const { session, milliseconds } = limits;
  const copy = Uint8Array.from(bytes); // A message would take all of the buffer that it is a part of.
  const answer = await worker.ask("read", [copy, session], [copy.buffer], milliseconds);
  if (answer.kind === "value") return finish((answer.value as { root: RawGroup }).root);
  throw new DataError({ who, ...problemOf(answer, limits) });
}

function problemOf(answer: Exclude<Answer, { kind: "value" }>, limits: ReadLimits) {
  const expected = "must be a whole HDF5 file";
  switch (answer.kind) {
    case "problem":
      return answer.problem;
    case "late":
      return { expected, received: `one that takes more than ${limits.milliseconds} ms to read` };
    case "ended":
      return { expected, received: "one that ends its reader", cause: answer.error };
  }
}

/** In this thread. */
async function readHere(bytes: Uint8Array, limits: ReadLimits, who: string): Promise<H5Group> {
  const session = await loadHere();
  try {
    const { root } = await session.read(bytes, limits.session);
    return finish(root);
  } catch (error) {
    throw new DataError({ who, ...session.problemOf(error) });
  }
}

/** Superblocks start at 0, 512, 1024, ...: what is no HDF5 file needs no worker to say so. */
function checkSignature(bytes: Uint8Array, who: string): void {
  const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
  for (let start = 0; start < bytes.length; start = start === 0 ? 512 : 2 * start)
    if (signature.every((byte, i) => bytes[start + i] === byte)) return;
  const received = bytes.length === 0 ? "0 bytes" : `${bytes.length} bytes without its signature`;
  throw new DataError({ who, expected: "must be an HDF5 file", received });
}

/**
 * The tree as users get it. A message between threads gives every object `Object.prototype`, but no
 * file has an array "constructor" for that.
 */
function finish(group: RawGroup): H5Group {
  const { kind, attributes, children } = group;
  const finishChild = (child: RawGroup | RawDataset): H5Group | H5Dataset =>
    child.kind === "group" ? finish(child) : finishDataset(child);
  return {
    kind,
    attributes: mapped(attributes, finishValue),
    children: mapped(children, finishChild),
  };
}

function finishDataset({ kind, shape, data, half, attributes }: RawDataset): H5Dataset {
  const finished = half === undefined ? data : widened(data as Uint16Array, half);
  return { kind, shape, data: finished, attributes: mapped(attributes, finishValue) };
}

function finishValue(value: RawValue): H5Value {
  if (typeof value !== "object" || !("shape" in value)) return value;
  const { data, shape } = value;
  const half = "half" in value ? value.half : undefined;
  const finished = half === undefined ? data : widened(data as Uint16Array, half);
  return shape.length === 0 ? finished[0] : { data: finished, shape };
}

const widened = (bits: Uint16Array, half: Half): TypedArray =>
  half === "float16" ? fromFloat16(bits) : fromBfloat16(bits);

function mapped<A, B>(record: Readonly<Record<string, A>>, map: (a: A) => B): Record<string, B> {
  const result: Record<string, B> = Object.create(null);
  for (const [name, value] of Object.entries(record)) result[name] = map(value);
  return result;
}
