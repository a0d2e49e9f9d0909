// Writes a zip archive, an HDF5 and a safetensors file with the built library, for open_formats.py.
//
//     node tools/golden/write_formats.mjs DIR
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeHdf5 } from "../../dist/formats/hdf5.js";
import { writeSafetensors } from "../../dist/formats/safetensors.js";
import { writeZip } from "../../dist/formats/zip.js";

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });

const dataset = (data, shape = [data.length], attributes = {}) => ({
  kind: "dataset",
  shape,
  data,
  attributes,
});
const group = (children, attributes = {}) => ({ kind: "group", children, attributes });

/** One array of each type, with the ends of its range. */
const numbers = {
  float32: Float32Array.of(0.1, -0, Number.NaN),
  float64: Float64Array.of(0.1, -0, Number.NaN),
  int8: Int8Array.of(-128, 127),
  int16: Int16Array.of(-32768, 32767),
  int32: Int32Array.of(-(2 ** 31), 2 ** 31 - 1),
  uint8: Uint8Array.of(0, 255),
  uint16: Uint16Array.of(0, 65535),
  uint32: Uint32Array.of(0, 2 ** 32 - 1),
};
const arrays = Object.entries(numbers).map(([name, data]) => [name, dataset(data)]);
const root = group(
  {
    numbers: group(Object.fromEntries(arrays)),
    matrix: dataset(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3], { dtype: "float32" }),
    scalar: dataset(Int32Array.of(7), []),
    texts: dataset(["", "zwölf"]),
    empty: group({ vars: group({}) }),
  },
  {
    text: "é".repeat(200_000),
    names: ["a", "ü"],
    many: Array.from({ length: 10_000 }, (_, i) => `layer_${i}/kernel:0`),
    none: [],
    integer: 3,
    float: 0.5,
    flag: true,
    wide: { data: new Float64Array(10_000).fill(2), shape: [100, 100] },
  },
);
writeFileSync(join(folder, "written.h5"), await writeHdf5(root));

const tensors = new Map(
  Object.entries(numbers).map(([name, data]) => [name, { data, shape: [data.length] }]),
);
tensors.set("matrix", { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] });
tensors.set("scalar", { data: Float32Array.of(7), shape: [] });
tensors.set("empty", { data: new Float32Array(0), shape: [0, 3] });
const metadata = { format: "pt", ü: "é" };
writeFileSync(join(folder, "written.safetensors"), writeSafetensors({ tensors, metadata }));

const text = (value) => new TextEncoder().encode(value);
const files = new Map([
  ["config.json", text("{}")],
  ["assets/zwölf.txt", text("zwölf".repeat(1000))],
  ["empty", text("")],
]);
writeFileSync(join(folder, "written.zip"), await writeZip(files));
