// @ts-check
/**
 * Reads and writes HDF5 in the thread that it is in. This file and those that it imports are plain
 * JavaScript, because workers load it by its URL, from the sources and from the package alike
 * (`worker.ts` starts them). It must import nothing that other parts of the library import as well: a
 * bundler would move that to a file that a worker cannot load. h5wasm, 4 MB, comes when it is needed.
 */

export { problemOf } from "./session-problem.js";

import { readTree } from "./session-read.js";
import { writeTree } from "./session-write.js";

/**
 * @import { H5Module } from "./h5wasm.ts"
 * @import { H5Group, RawGroup } from "./types.ts"
 * @import { Limits } from "./session-problem.js"
 */

/** Any moment will do, as long as it is the same one: HDF5 notes when a dataset was written. */
const clock = Date.UTC(1980, 0, 1);

/** Where this file is: a bundler may have put it anywhere. */
export const url = import.meta.url;

/** @type {Promise<H5Module> | undefined} */
let opened;

/** h5wasm, ready and with errors that are thrown (its own default is to print them and go on). */
const open = () => {
  opened ??= load().catch((error) => {
    opened = undefined; // The next time there may be a network.
    throw error;
  });
  return opened;
};

async function load() {
  const h5wasm = await import("h5wasm");
  const h5 = /** @type {H5Module} */ (/** @type {unknown} */ (await h5wasm.ready));
  h5.activate_throwing_error_handler();
  // Files may name others, by external links or external storage. Let them find none: no device,
  // and a name for their own file that they cannot know.
  for (const name of ["stdin", "stdout", "stderr", "tty", "tty1", "random", "urandom"]) {
    try {
      h5.FS.unlink(`/dev/${name}`);
    } catch {
      // It is not there.
    }
  }
  return h5;
}

/** Resolves when a file can be read or written. */
export async function ready() {
  await open();
}

let files = 0;
const folderName = globalThis.crypto?.randomUUID?.() ?? `${Math.random()}`.slice(2);

/**
 * @param {Uint8Array} bytes
 * @param {Limits} limits
 * @returns {Promise<{ root: RawGroup, transfer: ArrayBufferLike[] }>} the tree, and the buffers of
 * its arrays
 */
export async function read(bytes, limits) {
  const h5 = await open();
  const path = `/${folderName}-${files++}`;
  h5.FS.writeFile(path, bytes, { canOwn: true });
  try {
    const file = h5.open(path, h5.H5F_ACC_RDONLY, false, -1, -1);
    const { root, buffers } = readTree(h5, file, limits);
    h5.close_file(file);
    return { root, transfer: buffers };
  } finally {
    h5.FS.unlink(path);
  }
}

/**
 * @param {H5Group} root
 * @returns {Promise<{ bytes: Uint8Array<ArrayBuffer>, heap: number, transfer: ArrayBuffer[] }>} the
 * file, and the bytes of h5wasm's own memory, which never shrinks
 */
export async function write(root) {
  const h5 = await open();
  const path = `/${folderName}-${files++}`;
  const { now } = Date;
  Date.now = () => clock;
  try {
    const file = h5.open(path, h5.H5F_ACC_TRUNC, false, -1, -1);
    writeTree(h5, file, root);
    h5.close_file(file);
    const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (h5.FS.readFile(path));
    return { bytes, heap: h5.HEAPU8.length, transfer: [bytes.buffer] };
  } finally {
    Date.now = now;
    if (h5.FS.analyzePath(path).exists) h5.FS.unlink(path);
  }
}
