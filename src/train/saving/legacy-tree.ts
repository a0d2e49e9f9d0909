/** What Keras's older HDF5 files are made of: lists of names as attributes, arrays at such names. */
import type { TypedArray } from "../../base/dtype.ts";
import { DataError, describe } from "../../base/errors.ts";
import type { H5Dataset, H5Group, H5Value } from "../../formats/hdf5.ts";
import type { Source } from "./checks.ts";

/** Most bytes that Keras gives an attribute, by HDF5's limit for object headers. */
const mostBytes = 64512;

/** A group that is being written. */
export interface OpenGroup extends H5Group {
  readonly attributes: Record<string, H5Value>;
  readonly children: Record<string, OpenGroup | H5Dataset>;
}

export const openGroup = (): OpenGroup => ({
  kind: "group",
  attributes: Object.create(null),
  children: Object.create(null),
});

const steps = (path: string): string[] => path.split("/").filter((step) => step !== "");

/** The group of this path (`block/dense`), made where it is not there yet. */
export function groupFor(root: OpenGroup, path: string): OpenGroup {
  let group = root;
  for (const step of steps(path)) {
    const child = group.children[step] ?? openGroup();
    group.children[step] = child;
    if (child.kind === "dataset") throw new Error(`"${path}" leads through an array`);
    group = child;
  }
  return group;
}

/** Puts an array at this path. */
export function putDataset(
  root: OpenGroup,
  path: string,
  shape: readonly number[],
  data: TypedArray,
): void {
  const parts = steps(path);
  const name = parts.pop()!;
  const group = groupFor(root, parts.join("/"));
  group.children[name] = { kind: "dataset", shape, data, attributes: {} };
}

/**
 * Writes a list of names as Keras does: as one attribute, or cut into `name0`, `name1`, ... where it
 * has more than 64,512 bytes, each entry counted as long as the longest.
 */
export function putList(group: OpenGroup, name: string, list: readonly string[]): void {
  const longest = Math.max(1, ...list.map((one) => new TextEncoder().encode(one).length));
  const most = Math.max(1, Math.floor(mostBytes / longest));
  if (list.length <= most) {
    group.attributes[name] = list;
    return;
  }
  const chunks = Math.ceil(list.length / most);
  const [size, larger] = [Math.floor(list.length / chunks), list.length % chunks];
  let start = 0;
  for (let i = 0; i < chunks; i++) {
    const end = start + size + (i < larger ? 1 : 0);
    group.attributes[`${name}${i}`] = list.slice(start, end);
    start = end;
  }
}

/** Whether a group has such a list. */
export const hasList = ({ attributes }: H5Group, name: string): boolean =>
  attributes[name] !== undefined || attributes[`${name}0`] !== undefined;

/**
 * A list of names, whole or cut.
 *
 * @param place the group, for messages
 * @throws DataError where it is missing or no list of texts
 */
export function readList(group: H5Group, name: string, place: string, who: string): string[] {
  const whole = group.attributes[name];
  if (whole !== undefined) return texts(whole, `${name} of ${place}`, who);
  const all: string[] = [];
  for (let i = 0; group.attributes[`${name}${i}`] !== undefined; i++)
    all.push(...texts(group.attributes[`${name}${i}`], `${name}${i} of ${place}`, who));
  if (all.length > 0 || hasList(group, name)) return all;
  throw new DataError({
    who,
    expected: `${place} must have the attribute ${name}`,
    received: Object.keys(group.attributes).join(", ") || "no attributes",
  });
}

function texts(value: H5Value, what: string, who: string): string[] {
  if (Array.isArray(value)) return value as string[];
  // An empty list is an array of numbers without any, in Keras's files.
  if (typeof value === "object" && "data" in value && value.data.length === 0) return [];
  throw new DataError({
    who,
    expected: `${what} must be a list of names`,
    received: describe(value),
  });
}

/** What is at this path of a group; undefined where there is nothing. */
export function childAt(root: H5Group, path: string): H5Group | H5Dataset | undefined {
  let found: H5Group | H5Dataset | undefined = root;
  for (const step of steps(path)) {
    if (found?.kind !== "group" || !Object.hasOwn(found.children, step)) return undefined;
    found = found.children[step];
  }
  return found;
}

/** The group at this path. Throws a DataError where there is none. */
export function groupIn(root: H5Group, path: string, { who }: Pick<Source, "who">): H5Group {
  const found = childAt(root, path);
  if (found?.kind === "group") return found;
  throw new DataError({
    who,
    expected: `must hold a group ${path}`,
    received: found ? "an array there" : "nothing there",
    fix: "A file that was cut off or changed cannot be read: save it again.",
  });
}

/** The array at this path; undefined where there is none. */
export function datasetAt(root: H5Group, path: string): H5Dataset | undefined {
  const found = childAt(root, path);
  return found?.kind === "dataset" ? found : undefined;
}
