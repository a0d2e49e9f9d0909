/**
 * Files of one structure, written again and again while a model trains: only their numbers change. What
 * is around the numbers is learnt from the library's files; then it is kept, and the library's work (some
 * 30 ms for a million numbers) is not done again.
 */
import type { TypedArray } from "../../base/dtype.ts";
import type { H5Dataset, H5Group } from "./types.ts";
import { writeHdf5 } from "./write.ts";

/** A file without its numbers. */
interface Frame {
  readonly length: number;
  /** What lies before, between and behind the arrays. */
  readonly pieces: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  /** Where each array begins. */
  readonly places: readonly number[];
}

/** How many structures are remembered: a model, its best weights, another model or two. */
const mostRemembered = 4;
/** undefined: written once; null: without such a frame. */
const frames = new Map<string, Frame | undefined | null>();

/** As `writeHdf5`, byte by byte. */
export async function rewriteHdf5(root: H5Group): Promise<Uint8Array<ArrayBuffer>> {
  const sets = datasetsIn(root);
  const structure = structureOf(root, sets);
  if (structure === undefined) return writeHdf5(root);
  const frame = frames.get(structure);
  if (frame) return filled(frame, sets);
  const bytes = await writeHdf5(root);
  if (frame === null) return bytes;
  // The third file is the first that gains: what is written once or twice is not worth it.
  const isKnown = frames.has(structure);
  remember(structure, isKnown ? await learnt(root, sets, bytes) : undefined);
  return bytes;
}

function remember(structure: string, frame: Frame | undefined | null): void {
  frames.delete(structure);
  frames.set(structure, frame);
  if (frames.size > mostRemembered) frames.delete(frames.keys().next().value!);
}

/** In the order in which they are written. */
function datasetsIn(group: H5Group): H5Dataset[] {
  return Object.values(group.children).flatMap((child) =>
    child.kind === "group" ? datasetsIn(child) : [child],
  );
}

const isWords = (data: H5Dataset["data"]): data is TypedArray =>
  ArrayBuffer.isView(data) && data.byteLength % 4 === 0 && data.byteLength > 0;

/** All of the tree but its numbers; undefined where it holds other things than whole words. */
function structureOf(root: H5Group, sets: readonly H5Dataset[]): string | undefined {
  if (sets.length >= 2 ** 16 || !sets.every(({ data }) => isWords(data))) return undefined;
  let isPlain = true;
  const text = JSON.stringify(root, function (this: { kind?: unknown }, key, value) {
    if (key === "data" && this.kind === "dataset")
      return `${value.constructor.name} ${value.length}`;
    isPlain &&= !ArrayBuffer.isView(value);
    return value;
  });
  return isPlain ? text : undefined;
}

const bytesOf = ({ data }: H5Dataset): Uint8Array => {
  const { buffer, byteOffset, byteLength } = data as TypedArray;
  return new Uint8Array(buffer, byteOffset, byteLength);
};

/** Words that stand for the array at a position. */
const mark = 0x5eed_0000;

/**
 * Learns where the arrays lie from a file that holds marks instead of numbers. Null where that can't be
 * told, or does not give the library's own bytes.
 */
async function learnt(
  root: H5Group,
  sets: readonly H5Dataset[],
  bytes: Uint8Array,
): Promise<Frame | null> {
  const marked = await writeHdf5(withMarks(root, { next: 0 }));
  const view = new DataView(marked.buffer, marked.byteOffset, marked.length);
  const wordAt = (at: number) => view.getUint32(at, true);
  const places = sets.map(() => -1);
  const pieces: Frame["pieces"][number][] = [];
  let end = 0;
  // Byte by byte: arrays lie where the headers before them end, at odd addresses too.
  for (let at = 0; at + 4 <= marked.length; at++) {
    const set = wordAt(at) - mark;
    if (set < 0 || set >= sets.length || places[set] >= 0) continue;
    const { length } = bytesOf(sets[set]);
    if (at + length > marked.length || !isFilled(wordAt, at, length)) continue;
    pieces.push({ at: end, bytes: marked.slice(end, at) });
    places[set] = at;
    end = at + length;
    at = end - 1;
  }
  pieces.push({ at: end, bytes: marked.slice(end) });
  if (places.includes(-1)) return null;
  const frame = { length: marked.length, pieces, places };
  const again = filled(frame, sets);
  return again.length === bytes.length && again.every((byte, i) => byte === bytes[i])
    ? frame
    : null;
}

/** Whether an array of so many bytes holds one word only. */
function isFilled(wordAt: (at: number) => number, from: number, length: number): boolean {
  const word = wordAt(from);
  for (let at = from; at < from + length; at += 4) if (wordAt(at) !== word) return false;
  return true;
}

function withMarks(group: H5Group, count: { next: number }): H5Group {
  const children = Object.entries(group.children).map(([name, child]) => {
    if (child.kind === "group") return [name, withMarks(child, count)] as const;
    const data = (child.data as TypedArray).slice();
    new Uint32Array(data.buffer).fill(mark + count.next++);
    return [name, { ...child, data }] as const;
  });
  return { ...group, children: Object.fromEntries(children) };
}

function filled(
  { length, pieces, places }: Frame,
  sets: readonly H5Dataset[],
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  for (const { at, bytes } of pieces) out.set(bytes, at);
  for (const [i, set] of sets.entries()) out.set(bytesOf(set), places[i]);
  return out;
}
