// @ts-check
/** A whole HDF5 file as a tree, with its size looked at before any memory is taken. */
import {
  decode,
  halfOf,
  isBoolean,
  isReadable,
  nameOf,
  shapeOf,
  typeClass,
} from "./session-elements.js";
import { Problem } from "./session-problem.js";

/**
 * @import { H5Module, Metadata } from "./h5wasm.ts"
 * @import { TypedArray } from "../../base/dtype.ts"
 * @import { RawDataset, RawGroup, RawValue } from "./types.ts"
 * @import { Limits } from "./session-problem.js"
 */

/**
 * @typedef {object} Reading
 * @property {H5Module} h5
 * @property {bigint} file
 * @property {Limits} limits
 * @property {number} bytes taken so far
 * @property {number} objects met so far
 * @property {ArrayBufferLike[]} buffers of all arrays
 */

/**
 * @param {H5Module} h5
 * @param {bigint} file
 * @param {Limits} limits
 * @returns {{ root: RawGroup, buffers: ArrayBufferLike[] }} the tree, and the buffers of its arrays
 */
export function readTree(h5, file, limits) {
  /** @type {ArrayBufferLike[]} */
  const buffers = [];
  const root = readGroup({ h5, file, limits, bytes: 0, objects: 0, buffers }, "/", 0);
  return { root, buffers };
}

/**
 * @param {Reading} reading
 * @param {string} path
 * @param {number} depth
 * @returns {RawGroup}
 */
function readGroup(reading, path, depth) {
  const { h5, file, limits } = reading;
  if (depth > limits.depth) throw new Problem(`must nest at most ${limits.depth} groups`, "more");
  const attributes = readAttributes(reading, path);
  /** @type {Record<string, RawGroup | RawDataset>} */
  const children = Object.create(null);
  for (const name of h5.get_names(file, path, false)) {
    checkName(name, name in children, path);
    const inner = path === "/" ? `/${name}` : `${path}/${name}`;
    count(reading);
    const { filename } = h5.get_external_link(file, inner);
    if (filename !== undefined)
      throw new Problem(`"${inner}" must be in the file itself`, `a link to "${filename}"`);
    const kind = h5.get_type(file, inner);
    if (kind === h5.H5G_GROUP) children[name] = readGroup(reading, inner, depth + 1);
    else if (kind === h5.H5G_DATASET) children[name] = readDataset(reading, inner);
    else throw new Problem(`"${inner}" must be a group or an array`, kindName(h5, kind));
  }
  return { kind: "group", attributes, children };
}

/**
 * @param {H5Module} h5
 * @param {number} kind
 */
const kindName = (h5, kind) => (kind === h5.H5G_LINK ? "a link to nothing" : "something else");

/**
 * @param {string} name
 * @param {boolean} isKnown
 * @param {string} path
 */
function checkName(name, isKnown, path) {
  const isGood = name !== "" && name !== "." && !name.includes("/") && !isKnown;
  if (!isGood) throw new Problem(`"${path}" must hold names that differ and have no "/"`, name);
}

/** @param {Reading} reading */
function count(reading) {
  const { objects } = reading.limits;
  if (++reading.objects > objects)
    throw new Problem(`must hold at most ${objects} groups, arrays and attributes`, "more");
}

/**
 * @param {Reading} reading
 * @param {string} path
 * @returns {RawDataset}
 */
function readDataset(reading, path) {
  const { h5, file } = reading;
  const attributes = readAttributes(reading, path);
  const type = h5.get_dataset_metadata(file, path);
  if (type.virtual_sources !== undefined)
    throw new Problem(`"${path}" must be in the file itself`, "a virtual dataset");
  // Keras marks the arrays that numpy has no type for.
  const isBfloat16 = attributes.dtype === "bfloat16";
  const place = { path, attribute: undefined };
  const where = nameOfPlace(place);
  if (!isReadable(type, isBfloat16))
    throw new Problem(`${where} must hold numbers or strings`, nameOf(type));
  checkFilters(reading, path);
  const chunk = product(type.chunks ?? [0]) * type.size;
  if (chunk > reading.limits.bytes) throw tooLarge(reading, `a piece of ${where}`, chunk);
  const data = readElements(reading, type, place);
  return { kind: "dataset", shape: shapeOf(type), data, attributes, half: halfOf(type) };
}

/** Gzip, shuffle, Fletcher's checksum, n bits, scale and offset (H5Z_filter_t). */
const knownFilters = [1, 2, 3, 5, 6];

/**
 * @param {Reading} reading
 * @param {string} path
 */
function checkFilters({ h5, file }, path) {
  for (const { id, name } of h5.get_dataset_filters(file, path))
    if (!knownFilters.includes(id))
      throw new Problem(
        `"${path}" must be compressed with gzip, if at all`,
        `filter ${id} ${name}`,
      );
}

/**
 * @param {Reading} reading
 * @param {string} path
 */
function readAttributes(reading, path) {
  const { h5, file } = reading;
  /** @type {Record<string, RawValue>} */
  const attributes = Object.create(null);
  for (const name of h5.get_attribute_names(file, path)) {
    count(reading);
    const type = h5.get_attribute_metadata(file, path, name);
    // Nobody needs what is neither: references of dimension scales, for example.
    if (!isReadable(type, false)) continue;
    const data = readElements(reading, type, { path, attribute: name });
    const shape = shapeOf(type);
    const half = halfOf(type);
    if (Array.isArray(data)) attributes[name] = shape.length > 0 ? data : data[0];
    else if (shape.length > 0 || half) attributes[name] = { data, shape, half };
    else attributes[name] = isBoolean(type) ? data[0] !== 0 : data[0];
  }
  return attributes;
}

/**
 * @typedef {object} Place
 * @property {string} path
 * @property {string | undefined} attribute
 */

/** @param {Place} place */
const nameOfPlace = ({ path, attribute }) =>
  attribute === undefined ? `"${path}"` : `attribute "${attribute}" of "${path}"`;

/**
 * @param {Reading} reading
 * @param {Metadata} type
 * @param {Place} place
 * @returns {TypedArray | string[]}
 */
function readElements(reading, type, place) {
  const { h5, file, buffers } = reading;
  const where = nameOfPlace(place);
  const elements = product(type.shape ?? [0]);
  const size = elements * type.size;
  const isText = type.type === typeClass.string;
  take(reading, isText ? Math.max(size, elements * stringBytes) : size, where);
  if (size === 0) return decode(h5, type, new Uint8Array(0), where);
  const pointer = h5._malloc(size);
  if (pointer === 0)
    throw new Problem(`${where} must fit into its reader's memory`, `${size} bytes`);
  const { path, attribute } = place;
  const status =
    attribute === undefined
      ? h5.get_dataset_data(file, path, null, null, null, BigInt(pointer))
      : h5.get_attribute_data(file, path, attribute, BigInt(pointer));
  if (status < 0) throw new Problem(`${where} must be readable`, `status ${status} of HDF5`);
  const bytes = h5.HEAPU8.slice(pointer, pointer + size);
  const data = decode(h5, type, bytes, where);
  if (isText) take(reading, lengthOf(/** @type {string[]} */ (data)), where);
  else buffers.push(/** @type {TypedArray} */ (data).buffer);
  if (isText && type.vlen) h5.reclaim_vlen_memory(file, path, attribute ?? "", BigInt(pointer));
  h5._free(pointer);
  return data;
}

/** What a string takes of the engine's memory, however short it is. */
const stringBytes = 32;

/** @param {readonly number[]} extents */
const product = (extents) => extents.reduce((size, extent) => size * extent, 1);

/** @param {readonly string[]} strings */
const lengthOf = (strings) => strings.reduce((sum, text) => sum + text.length, 0);

/**
 * @param {Reading} reading
 * @param {number} size
 * @param {string} where
 */
function take(reading, size, where) {
  // A size that is no number is none that fits.
  if (!(reading.bytes + size <= reading.limits.bytes)) throw tooLarge(reading, where, size);
  reading.bytes += size;
}

/**
 * @param {Reading} reading
 * @param {string} where
 * @param {number} size
 */
function tooLarge({ limits, bytes }, where, size) {
  const before = bytes === 0 ? "" : ` after ${bytes} others`;
  return new Problem(
    `must unpack to at most ${limits.bytes} bytes`,
    `${where} of ${size} bytes${before}`,
  );
}
