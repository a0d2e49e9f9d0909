import type { TypedArray } from "../../base/dtype.ts";
import { describe, ValueError } from "../../base/errors.ts";
import { formatShape, sizeOf } from "../../base/shape.ts";
import type { H5Attributes, H5Dataset, H5Group, H5Value } from "./types.ts";
import { loadHere, type SessionWorker, startSession } from "./worker.ts";

const who = "writeHdf5";
const bounds = { memory: 2 ** 31, heap: 2 ** 30 };
/** A worker whose memory has grown beyond this is not kept for the next file. */
const mostKeptMemory = 2 ** 27;

/**
 * Writes an HDF5 file: groups, arrays and attributes in the order in which they are given. Same
 * content, same bytes. Strings are UTF-8 of variable length, as Keras writes them; a number as
 * attribute is an int64 or, where it is no integer, a float64; a boolean is a uint8; a list of
 * strings without any is a float64 array of shape `[0]`, as in Keras's files. Readable by HDF5 from
 * 1.8 on, h5py among others.
 *
 * The work is done in a worker that is kept for the next file. The arrays are copied before the call
 * returns.
 *
 * @throws ValueError if a name is empty, "." or has a "/", an array does not fit its shape, or a
 *   string has a null character; or it is more than HDF5 can store
 * @example
 * const data = new Float32Array(6);
 * const kernel = { kind: "dataset", shape: [2, 3], data, attributes: {} } as const;
 * const bytes = await writeHdf5({ kind: "group", attributes: {}, children: { kernel } });
 */
export async function writeHdf5(root: H5Group): Promise<Uint8Array<ArrayBuffer>> {
  const buffers: ArrayBuffer[] = [];
  const copy = copyGroup(root, "", buffers);
  const turn = queue.then(() => writeInTurn(copy, buffers));
  queue = turn.catch(() => {});
  return turn;
}

let queue: Promise<unknown> = Promise.resolve();
let kept: SessionWorker | undefined;
let idle: ReturnType<typeof setTimeout> | undefined;

/** The worker waits so long for the next file: it holds some 60 MB, and starts in a tenth of a second. */
const keptMilliseconds = 2000;

/** Ends the worker that waits for the next file, if there is one. */
export async function endWaitingWriter(): Promise<void> {
  clearTimeout(idle);
  const worker = kept;
  kept = undefined;
  await worker?.end();
}

function keep(worker: SessionWorker): void {
  kept = worker;
  idle = setTimeout(endWaitingWriter, keptMilliseconds);
  // A script ends without waiting for it; in a page a timer is a number.
  if (typeof idle === "object") (idle as { unref?(): void }).unref?.();
}

async function writeInTurn(
  root: H5Group,
  buffers: readonly ArrayBuffer[],
): Promise<Uint8Array<ArrayBuffer>> {
  const worker = kept?.isAlive ? kept : await startSession(bounds);
  if (worker === undefined) return writeHere(root);
  clearTimeout(idle);
  kept = undefined;
  const answer = await worker.ask("write", [root], buffers);
  if (answer.kind === "value") {
    const { bytes, heap } = answer.value as { bytes: Uint8Array<ArrayBuffer>; heap: number };
    if (heap <= mostKeptMemory) keep(worker);
    else void worker.end();
    return bytes;
  }
  void worker.end();
  throw failure(answer.kind === "problem" ? answer.problem.received : "a worker that ended");
}

/** In this thread. */
async function writeHere(root: H5Group): Promise<Uint8Array<ArrayBuffer>> {
  const session = await loadHere();
  try {
    return (await session.write(root)).bytes;
  } catch (error) {
    throw failure(session.problemOf(error).received);
  }
}

const failure = (received: string) =>
  new ValueError({ who, expected: "must be what HDF5 can store", received });

/** A copy that shares nothing with the caller's arrays, so that its buffers can move. */
function copyGroup(group: H5Group, path: string, buffers: ArrayBuffer[]): H5Group {
  const children = Object.entries(group.children).map(([name, child]) => {
    checkName(name, `the name in "${path || "/"}"`);
    const inner = `${path}/${name}`;
    const copied =
      child.kind === "group"
        ? copyGroup(child, inner, buffers)
        : copyDataset(child, inner, buffers);
    return [name, copied] as const;
  });
  return {
    kind: "group",
    attributes: copyAttributes(group.attributes, path || "/", buffers),
    children: Object.fromEntries(children),
  };
}

function copyDataset(dataset: H5Dataset, path: string, buffers: ArrayBuffer[]): H5Dataset {
  const { data, shape } = dataset;
  checkSize(data.length, shape, `"${path}"`);
  return {
    kind: "dataset",
    shape: [...shape],
    data: isStrings(data) ? copyStrings(data, `"${path}"`) : copyNumbers(data, buffers),
    attributes: copyAttributes(dataset.attributes, path, buffers),
  };
}

function copyAttributes(attributes: H5Attributes, path: string, buffers: ArrayBuffer[]) {
  const copies = Object.entries(attributes).map(([name, value]): [string, H5Value] => {
    const where = `attribute "${name}" of "${path}"`;
    checkText(name, where);
    if (name === "") throw nameError(where, name);
    if (typeof value === "string") checkText(value, where);
    if (typeof value !== "object") return [name, value];
    if (isStrings(value)) return [name, copyStrings(value, where)];
    const { data, shape } = value as Exclude<typeof value, readonly string[]>;
    checkSize(data.length, shape, where);
    return [name, { data: copyNumbers(data, buffers), shape: [...shape] }];
  });
  return Object.fromEntries(copies);
}

const isStrings = (value: object): value is readonly string[] => Array.isArray(value);

function copyNumbers(data: TypedArray, buffers: ArrayBuffer[]): TypedArray {
  const copy = data.slice();
  buffers.push(copy.buffer as ArrayBuffer);
  return copy;
}

function copyStrings(strings: readonly string[], where: string): string[] {
  for (const text of strings) checkText(text, where);
  return [...strings];
}

function checkSize(length: number, shape: readonly number[], where: string): void {
  if (length === sizeOf(shape)) return;
  const expected = `${where} of shape ${formatShape(shape)} must have ${sizeOf(shape)} elements`;
  throw new ValueError({ who, expected, received: `${length}` });
}

/** HDF5 ends strings at a null character: the rest would be lost. */
function checkText(text: string, where: string): void {
  if (typeof text === "string" && !text.includes("\0")) return;
  const expected = `${where} must hold strings without null characters`;
  throw new ValueError({ who, expected, received: describe(text) });
}

function checkName(name: string, where: string): void {
  checkText(name, where);
  if (name === "" || name === "." || name.includes("/")) throw nameError(where, name);
}

const nameError = (where: string, name: string) =>
  new ValueError({
    who,
    expected: `${where} must not be empty, "." or have a "/"`,
    received: describe(name),
  });
