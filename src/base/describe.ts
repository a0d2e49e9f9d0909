const MAX_TEXT = 60;

/**
 * Renders any JavaScript value shortly, for the "got ..." part of an error: strings quoted and
 * cut at 60 characters, short arrays in full, typed arrays as `Float32Array(12)`, host arrays
 * with their shape, objects by their class. Never throws and never prints an array's whole
 * content.
 */
export function describe(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function")
    return value.name === "" ? "a function" : `function ${value.name}`;
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return describeArray(value);
  if (ArrayBuffer.isView(value)) {
    const length = "length" in value ? value.length : value.byteLength;
    return `${value.constructor.name}(${length})`;
  }
  if (value instanceof Error) return `${value.name} ${quote(value.message)}`;
  return describeObject(value);
}

function describeArray(value: readonly unknown[]): string {
  const isShort =
    value.length <= 8 && value.every((item) => typeof item !== "object" || item === null);
  if (!isShort) return `an array of length ${value.length}`;
  // Array.from also visits holes, which map would skip.
  return `[${Array.from(value, describe).join(", ")}]`;
}

function describeObject(value: object): string {
  if ("data" in value && "shape" in value && ArrayBuffer.isView(value.data)) {
    return `${describe(value.data)} of shape ${describe(value.shape)}`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    const keys = Object.keys(value);
    if (keys.length === 0) return "{}";
    return `an object with ${keys.slice(0, 5).join(", ")}${keys.length > 5 ? ", ..." : ""}`;
  }
  const name = value.constructor?.name;
  return typeof name === "string" && name !== "" ? `an instance of ${name}` : "an object";
}

function quote(text: string): string {
  return JSON.stringify(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text);
}

/**
 * The candidate that a misspelt `name` most likely meant, or undefined if none is near. Near is
 * an edit distance (insertions, deletions, replacements, swaps of neighbours) of at most a third
 * of the longer name and at most 3; case, `_`, `-` and spaces do not count, so `batch_size` finds
 * `batchSize`. The first of equally near ones wins.
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = normalise(name);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const other = normalise(candidate);
    const limit = Math.min(3, Math.floor(Math.max(wanted.length, other.length) / 3));
    const distance = editDistance(wanted, other);
    if (distance <= limit && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function normalise(name: string): string {
  return name.toLowerCase().replace(/[_\-\s]/g, "");
}

/** Optimal string alignment distance, by dynamic programming over three rows. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (isSame ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) cost = Math.min(cost, beforeLast[j - 2] + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}
