/** Files that are written and read both in the page and in Node. It imports types only. */
import type { H5Dataset, H5Group } from "../../src/formats/hdf5.ts";

/** The library's files, as the tests' bundle has them. */
export interface Formats {
  readonly readHdf5: typeof import("../../src/formats/hdf5.ts").readHdf5;
  readonly writeHdf5: typeof import("../../src/formats/hdf5.ts").writeHdf5;
  readonly readZip: typeof import("../../src/formats/zip.ts").readZip;
  readonly writeZip: typeof import("../../src/formats/zip.ts").writeZip;
}

export interface FileFacts {
  /** The archive's bytes, as text. */
  readonly archive: string;
  readonly kernel: readonly number[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Writes an HDF5 file into a zip archive, and reads it all again. */
export async function writeAndRead(formats: Formats): Promise<FileFacts> {
  const kernel: H5Dataset = {
    kind: "dataset",
    shape: [2, 3],
    data: Float32Array.of(1, -2, 3, 0.1, 5, 6),
    attributes: {},
  };
  const root: H5Group = {
    kind: "group",
    attributes: { backend: "antler", names: ["dense", "zwölf"] },
    children: { layers: { kind: "group", attributes: {}, children: { kernel } } },
  };
  const name = "model.weights.h5";
  const archive = await formats.writeZip(new Map([[name, await formats.writeHdf5(root)]]));
  const files = await formats.readZip(archive);
  const read = await formats.readHdf5(files.get(name)!, { who: name });
  const layers = read.children.layers as H5Group;
  return {
    archive: Array.from(archive, (byte) => String.fromCharCode(byte)).join(""),
    kernel: Array.from(layers.children.kernel!.kind === "dataset" ? numbersOf(layers) : []),
    attributes: { ...read.attributes },
  };
}

const numbersOf = ({ children }: H5Group) => (children.kernel as H5Dataset).data as Float32Array;

/** What becomes of the reading of an HDF5 file, given as numbers of its bytes. */
export async function readBroken(
  { readHdf5 }: Formats,
  bytes: readonly number[],
  milliseconds: number,
): Promise<string> {
  try {
    const root = await readHdf5(Uint8Array.from(bytes), { who: "a.h5", milliseconds });
    return Object.keys(root.attributes).join();
  } catch (error) {
    return String(error);
  }
}
