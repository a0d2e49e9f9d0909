// @ts-check
/**
 * How much a file may ask for.
 *
 * @typedef {object} Limits
 * @property {number} bytes all arrays and attributes, unpacked
 * @property {number} objects groups, arrays and attributes
 * @property {number} depth groups within groups
 */

/** What is wrong with a file, in the words of an `AntlerError`; the main thread makes one of it. */
export class Problem extends Error {
  /**
   * @param {string} expected
   * @param {string} received
   */
  constructor(expected, received) {
    super(`${expected}, got ${received}`);
    this.expected = expected;
    this.received = received;
  }
}

/**
 * What to tell of an error that reading a file ended with.
 *
 * @param {unknown} error
 * @returns {{ expected: string, received: string }}
 */
export function problemOf(error) {
  if (error instanceof Problem) return { expected: error.expected, received: error.received };
  const text = error instanceof Error ? error.message : String(error);
  return { expected: "must be a whole HDF5 file", received: receivedOf(text) };
}

/**
 * HDF5 tells an error as a stack of calls, the cause last: "#003: /path/H5FDsec2.c line 5 in
 * H5Fsuper(): file signature not found".
 *
 * @param {string} text
 */
function receivedOf(text) {
  const causes = [...text.matchAll(/#\d+: .*?\): (.*)/g)].map(([, cause]) => cause);
  const cause = causes.at(-1);
  if (cause !== undefined) return `a file of which HDF5 says: ${shorten(cause)}`;
  if (/memory|bad_alloc|OOM/i.test(text)) return "one that asks for more memory than it may have";
  return `a file that HDF5 fails at (${shorten(text)})`;
}

/** @param {string} text */
function shorten(text) {
  const line = text.split("\n", 1)[0];
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
}
